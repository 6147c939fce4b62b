"""Look-alikes of every published benchmark: about 20 questions in its own format over four short videos, made up and drawn here.

    make(tmp_path / "data", "nextqa")             # data/nextqa/test.csv and data/nextqa/videos/*.mp4
    make(tmp_path / "home", "nextqa", hub=True)   # the layout of HF_HOME: hub/datasets--…/snapshots/… and nextqa/NExTVideo/*.mp4

A study that asks them: {**settings("nextqa"), ...}; build_dataset(..., root=tmp_path / "data", allow_partial=True) builds it.
"""

import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from look_alike_files import WRITERS
from PIL import Image

from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.sources import load_sources
from framethrift.published.lookup import Lookup
from framethrift.videos.source import write_source

SOURCES = tuple(WRITERS)
BENCHMARKS = tuple(name for name, benchmark in load_benchmarks().items() if benchmark.data in WRITERS)
FPS, FRAMES, SIZE = 8, 48, (48, 64)  # videos of 6 s


def make(root: Path, source: str, *, hub: bool = False) -> None:
    """Write a source's annotation files and videos below `root`: a data root, or with `hub` a HF_HOME."""
    settings = load_sources()[source]
    folder = root / settings.folder
    if hub:
        repository = root / "hub" / f"datasets--{settings.hub.replace('/', '--')}"  # type: ignore[union-attr]
        (repository / "refs").mkdir(parents=True, exist_ok=True)
        (repository / "refs" / settings.revision).write_text("0" * 40, encoding="utf-8")
        folder = repository / "snapshots" / ("0" * 40)
    folder.mkdir(parents=True, exist_ok=True)
    WRITERS[source](folder, hub)
    # A folder is looked at where it is, so that a hub's files are found without the environment.
    beside = Lookup(settings.model_copy(update={"folder": str(folder.resolve()), "hub": None}), Path())
    benchmark = next(name for name, registered in load_benchmarks().items() if registered.data == source)
    for number, entry in enumerate(sorted(beside.annotations().entries(benchmark), key=lambda entry: entry.video)):
        place = root / entry.media if hub else folder / settings.videos[0] / entry.places[0]
        _put(place, number % 4, pictures=not hub and not Path(entry.places[0]).suffix)
        if source == "videomme":
            subtitle = f"subtitle/{entry.video}.srt"
            _subtitles(root / "videomme" / subtitle if hub else folder / subtitle)


def settings(*benchmarks: str, recipe: str = "look_alike") -> dict[str, Any]:
    """Fragment of a study's settings that asks the benchmarks' look-alikes: recipes, datasets and allow_partial."""
    sources = dict.fromkeys(load_benchmarks()[name].data for name in benchmarks)
    return {
        "allow_partial": True,
        "recipes": {recipe: {"fps": 4, "gop": 8, "window": 4, "width": 64, "height": 48}},
        "datasets": {source: {"kind": "benchmark", "source": source, "recipe": recipe} for source in sources},
    }


def frames(number: int) -> np.ndarray:
    """RGB frames (48, 48, 64, 3) of clip `number`: a square on noise, that moves and changes its colour."""
    rng = np.random.default_rng(number)
    shown = np.repeat(rng.integers(60, 120, (1, *SIZE, 3), dtype=np.uint8), FRAMES, axis=0)
    colours = rng.integers(0, 256, (4, 3), dtype=np.uint8)
    for at in range(FRAMES):
        left, top = (at + 7 * number) % (SIZE[1] - 16), (at // 2) % (SIZE[0] - 16)
        shown[at, top : top + 16, left : left + 16] = colours[at // 12]
    return shown


@cache
def _clip(number: int) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="look-alikes-"))
    write_source(frames(number), folder / "clip.mp4", FPS)
    return folder / "clip.mp4"


def _put(place: Path, number: int, pictures: bool) -> None:
    if place.exists():
        return
    if not pictures:
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_clip(number), place)
        return
    place.mkdir(parents=True)
    for at, frame in enumerate(frames(number)[:12]):
        Image.fromarray(frame).save(place / f"{at + 1}.jpg")


def _subtitles(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("1\n00:00:00,500 --> 00:00:02,000\nA square passes.\n", encoding="utf-8")
