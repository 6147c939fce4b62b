"""How many pictures go through a network at a time."""

import torch

MOST = 64  # pictures read, and at most sent through a network, at a time: an hour of video stays in bounded memory
CPU_PIXELS = 2**20  # of a larger portion the activations fall out of the caches: half as fast again


def portions(count: int, side: int, device: torch.device) -> list[slice]:
    """Slices that part `count` pictures of side × side pixels for `device`."""
    size = MOST if device.type != "cpu" else min(MOST, max(1, CPU_PIXELS // side**2))
    return [slice(start, start + size) for start in range(0, count, size)]
