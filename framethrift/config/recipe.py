"""How videos are re-encoded before anything reads them."""

from typing import Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section


class Recipe(Section):
    """A re-encoding recipe: codec, frame rate, GOP, size and quality (CoPE Sec. 4.1)."""

    codec: Literal["mpeg4", "h264"] = Field("mpeg4", description="Codec of the re-encoded stream; both export motion vectors.")
    fps: float = Field(30.0, gt=0, description="Constant frame rate of the re-encoded video, frames per second.")
    gop: int = Field(240, ge=2, description="Frames per GOP: one I-frame, then P-frames only.")
    window: int = Field(30, ge=1, description="Fusion window s: consecutive P-frames described as one.")
    width: int | None = Field(None, ge=16, description="Width in pixels; null keeps the source's.")
    height: int | None = Field(None, ge=16, description="Height in pixels; null keeps the source's.")
    quantiser: int = Field(2, ge=1, le=31, description="Fixed quantiser (mpeg4) or CRF (h264); the papers are silent.")
    four_vectors: bool = Field(
        True, description="Allow four motion vectors per macroblock (mpeg4 flag mv4); the papers are silent."
    )

    keep_source: bool = Field(
        False,
        description="Copy a source's own H.264 or MPEG-4 stream instead of re-encoding, where it has the recipe's frame rate and "
        "size and no GOP above `gop` frames (shorter ones, as at scene cuts, stay); the others are re-encoded.",
    )
    b_frames: bool = Field(False, description="With keep_source: also keep streams with B-frames. Re-encoding never writes any.")

    @model_validator(mode="after")
    def _consistent(self) -> "Recipe":
        self.slots_at(self.window)
        if (self.width is None) != (self.height is None):
            raise ValueError("width and height must be given together, or both left out")
        if self.width is not None and self.height is not None and (self.width % 2 or self.height % 2):
            raise ValueError(f"size {self.width}x{self.height}: width and height must be even (4:2:0 colour)")
        if self.b_frames and not self.keep_source:
            raise ValueError("b_frames concerns streams that are kept: set keep_source too, or leave b_frames out")
        return self

    @property
    def slots(self) -> int:
        """Positions per GOP that a sampling may show: the I-frame and one per fused window."""
        return self.slots_at(self.window)

    def slots_at(self, window: int | None) -> int:
        """Positions per GOP at the fusion window `window` frames; None: the recipe's own.

        Raises ValueError for a window that leaves frames over at the end of a GOP.
        """
        length = self.window if window is None else window
        if self.gop % length:
            divisors = [n for n in range(1, self.gop + 1) if self.gop % n == 0]
            raise ValueError(f"window {length} does not divide gop {self.gop}; allowed: {divisors}")
        return self.gop // length
