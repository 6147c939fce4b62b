"""Codec primitives as tensors: resizing that keeps motion in pixels of the new size, and normalisation."""

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional


def resize_primitives(
    motion: NDArray[np.int16] | Tensor, residual: NDArray[np.int16] | Tensor, size: int
) -> tuple[Tensor, Tensor]:
    """Bring τ (n, H, W, 2) pixels and δ (n, H, W, 3) grey levels to float32 (n, 2, S, S) and (n, 3, S, S).

    Vectors are taken from the nearest pixel, so that no displacement appears which the codec did not send, and scaled with the
    frame: a vector of W/2 pixels stays half the width. Residuals are averaged.

    Raises ValueError when the shapes do not belong together.
    """
    tau, delta = torch.as_tensor(motion), torch.as_tensor(residual)
    if tau.ndim != 4 or tau.shape[-1] != 2 or delta.shape != (*tau.shape[:3], 3):
        raise ValueError(
            f"motion {tuple(tau.shape)} must be (n, H, W, 2) and residual {tuple(delta.shape)} (n, H, W, 3) of the same size"
        )
    height, width = tau.shape[1:3]
    tau = tau.permute(0, 3, 1, 2).float()
    delta = delta.permute(0, 3, 1, 2).float()
    if (height, width) != (size, size):
        tau = functional.interpolate(tau, size=(size, size), mode="nearest-exact")
        tau = tau * tau.new_tensor([size / width, size / height]).view(1, 2, 1, 1)
        delta = functional.interpolate(delta, size=(size, size), mode="bilinear", antialias=True)
    return tau.contiguous(), delta


def normalise_motion(motion: Tensor, scaling: Literal["min-max", "clip"], limit: float) -> Tensor:
    """τ (n, 2, h, w) in pixels → [−1, 1].

    `min-max` maps the smallest component of a field to −1 and the largest to 1 (Supp. B). It forgets absolute speed: a field
    that reaches 3 pixels and the same field at half that speed look alike, and where "no motion" lands depends on the rest of
    the field. A constant field, above all one without any motion, has no range and becomes zeros. `clip` divides by `limit`
    pixels and saturates there: zero stays zero and speeds stay comparable.
    """
    if scaling == "clip":
        return (motion / limit).clamp(-1.0, 1.0)
    low = motion.amin(dim=(1, 2, 3), keepdim=True)
    span = motion.amax(dim=(1, 2, 3), keepdim=True) - low
    scaled = (motion - low) * (2.0 / span.clamp_min(torch.finfo(motion.dtype).tiny)) - 1.0
    return torch.where(span > 0, scaled, torch.zeros_like(motion))


def normalise_residual(residual: Tensor, scale: float, limit: float) -> Tensor:
    """δ (n, 3, h, w) in signed grey levels, clipped at ±`limit` and divided by `scale` (the paper is silent).

    No difference of two frames exceeds 255, so that limit clips nothing. CoViAR keeps −128 to 127 and divides by 255.
    """
    return residual.clamp(-limit, limit) / scale
