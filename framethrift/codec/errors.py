"""The one error for a video file that cannot be used."""

from pathlib import Path


class VideoRejected(ValueError):
    """A video file cannot be used; ``reason`` is one short machine word, ``detail`` a sentence.

    Reasons: ``missing``, ``empty_file``, ``unreadable``, ``no_video_stream``, ``truncated``, ``corrupt``, ``one_frame``,
    ``timestamps``, ``size_changes``, ``too_small``, ``no_vectors``, ``b_frames``, ``digest_mismatch``.
    """

    def __init__(self, path: str | Path, reason: str, detail: str) -> None:
        super().__init__(f"{path}: {reason}: {detail}")
        self.path = Path(path)
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type["VideoRejected"], tuple[Path, str, str]]:
        return type(self), (self.path, self.reason, self.detail)
