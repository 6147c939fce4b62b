"""What was timed on, and how much memory it took."""

import platform
import re
from pathlib import Path

import torch

from framethrift.memory import return_freed_memory

_STATUS, _CLEAR, _CPUS = Path("/proc/self/status"), Path("/proc/self/clear_refs"), Path("/proc/cpuinfo")


def machine_facts(device: torch.device) -> dict[str, str | int]:
    """Processor, accelerator, threads and versions: without them a latency means nothing."""
    names = re.findall(r"model name\s*:\s*(.+)", _CPUS.read_text(encoding="utf-8")) if _CPUS.is_file() else []
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": len(names),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else device.type,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "system": f"{platform.system()} {platform.release()}",
    }


class MemoryPeak:
    """Peak memory between `start` and `megabytes`: allocated on the GPU, or resident in the process on Linux."""

    def __init__(self, device: torch.device) -> None:
        self._device = device

    def start(self) -> None:
        """Forget earlier peaks. Memory that was freed goes back to the system, so what follows has to fetch it anew."""
        if self._device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self._device)
        elif _CLEAR.exists():
            return_freed_memory()
            _CLEAR.write_text("5", encoding="ascii")  # resets the peak resident set size (proc(5))

    def megabytes(self) -> float | None:
        """Peak in MB (10⁶ bytes), weights and libraries included; None where the system does not tell."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device) / 1e6
        if not _CLEAR.exists():
            return None
        found = re.search(r"VmHWM:\s*(\d+) kB", _STATUS.read_text(encoding="ascii"))
        return int(found[1]) * 1024 / 1e6 if found else None
