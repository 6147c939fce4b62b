"""One page about a folder of clips: what the codec says about each, and whether its primitives hold. Nothing beside the file."""

import base64
import io
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from framethrift.codec import VideoFacts, VideoRejected, probe
from framethrift.codec.inspect import draw_inspection
from framethrift.codec.verify import VerifyResult
from framethrift.files import write_text
from framethrift.reporting.templating import html_environment

_QUALITY = 82


@dataclass(frozen=True)
class _Clip:
    """A clip's facts with its picture as an address, or why it was refused."""

    name: str
    facts: VideoFacts | None = None
    result: VerifyResult | None = None
    picture: str = ""
    refused: str = ""


def write_inspection_page(
    folder: Path, out: Path, window: int | None = None, progress: Callable[[int, int], None] | None = None
) -> int:
    """Write one HTML file about the files of ``folder`` (not of its subfolders; hidden ones are left out), by name.

    A file that is no readable video is listed with its reason. ``window`` as ``draw_inspection``.

    Returns:
        the number of clips drawn.

    Raises:
        ValueError: ``out`` does not end in .html, ``window`` is below 1, or the folder holds no file.
    """
    if out.suffix != ".html":
        raise ValueError(f"out {out} must end in .html for a folder of clips")
    if window is not None and window < 1:
        raise ValueError(f"window must be at least 1, not {window}")
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    files = [path for path in files if path.resolve() != out.resolve()]
    if not files:
        raise ValueError(f"{folder} holds no file")
    clips = []
    for done, path in enumerate(files, start=1):
        clips.append(_clip(path, window))
        if progress is not None:
            progress(done, len(files))
    drawn = [clip for clip in clips if clip.picture]
    refused = [clip for clip in clips if clip.refused]
    template = html_environment().get_template("folder_inspection.html.j2")
    page = template.render(folder=folder.resolve().name, drawn=drawn, refused=refused)
    write_text(out, page)
    return len(drawn)


def _clip(path: Path, window: int | None) -> _Clip:
    with tempfile.TemporaryDirectory(prefix="framethrift-page-") as scratch:
        target = Path(scratch) / "picture.png"
        try:
            facts = probe(path)
            result = draw_inspection(path, target, window)
        except VideoRejected as rejected:
            return _Clip(path.name, refused=f"{rejected.reason}: {rejected.detail}")
        return _Clip(path.name, facts, result, _address(target))


def _address(picture: Path) -> str:
    """A picture as a data address; WebP makes a page of thirty clips a tenth the size."""
    buffer = io.BytesIO()
    with Image.open(picture) as image:
        image.convert("RGB").save(buffer, "WEBP", quality=_QUALITY)
    return "data:image/webp;base64," + base64.b64encode(buffer.getvalue()).decode()
