"""Small pictures of what was shown: one sheet per video with the frames of all cells, read through the codec layer."""

import io
from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from framethrift.codec import VideoRejected, read_frames
from framethrift.config.benchmarks import datasets_of
from framethrift.reporting.cell_file import read_columns
from framethrift.reporting.folder import ReportFolder, slug
from framethrift.reporting.site import Site

HEIGHT = 72  # pixels of one picture; a smaller frame keeps its size
PICTURES = 96  # per video; where cells showed more moments, those that most answers rest on
ACROSS = 12
QUALITY = 70
THREADS = 2  # decoding and compressing leave Python to others; more would hold more videos' pictures at full size
# Frames x pixels of the files decoded per benchmark: about a minute. Videos after that are named, not drawn.
PIXELS = 3_000_000_000


@dataclass(frozen=True)
class Sheet:
    """A video's pictures in one file of the report: in reading order at `times` seconds, `across` per line, all of one size."""

    file: str
    times: list[float]
    width: int
    height: int
    across: int


@dataclass
class Sheets:
    """Sheets by video, and why a video has none."""

    drawn: dict[str, Sheet] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def draw_sheets(site: Site, benchmark: str, shown: Mapping[str, Counter[float]], folder: str) -> Sheets:
    """Draw `folder`/<number>-<video>.webp for each video of a benchmark, with the moments (s) that its answers were shown.

    A benchmark has sheets of its own: another one asks about other moments of the same video. Videos are taken in the order
    given, and one that would exceed PIXELS of decoding is passed over; a file that cannot be read is named with its reason.
    """
    study, layout = site.sources.study, site.sources.layout
    found, spent = Sheets(), 0
    files: dict[str, tuple[Path, int]] = {}
    unread: list[str] = []
    for dataset in datasets_of(study, benchmark):
        columns = ["video_id", "path", "frames", "width", "height"]
        table, problems = read_columns(layout.codec(dataset) / "videos.parquet", columns, f"frames of {dataset}")
        unread += [f"table of {dataset}'s re-encoded videos: {problem.what}" for problem in problems]
        for row in [] if table is None else table.to_dict("records"):
            cost = int(row["frames"]) * int(row["width"]) * int(row["height"])
            files.setdefault(row["video_id"], (layout.root / row["path"], cost))
    tasks: dict[str, tuple[Path, list[float], str]] = {}
    for number, (video, counted) in enumerate(shown.items()):
        if video not in files:
            found.missing[video] = "; ".join(unread) or "the re-encoded video is not in the results folder"
            continue
        path, cost = files[video]
        if spent and spent + cost > PIXELS:
            found.missing[video] = "with the videos before it, this one takes more decoding than a benchmark is given"
            continue
        spent += cost
        times = sorted(time for time, _ in counted.most_common(PICTURES))
        tasks[video] = path, times, f"{folder}/{number:04d}-{slug(video)}.webp"  # ids may differ in what a slug drops
    with ThreadPoolExecutor(THREADS) as pool:
        for video, done in zip(tasks, pool.map(lambda task: _draw(site.folder, *task), tasks.values()), strict=True):
            if isinstance(done, Sheet):
                found.drawn[video] = done
            else:
                found.missing[video] = done
    return found


def _draw(folder: ReportFolder, path: Path, times: list[float], name: str) -> Sheet | str:
    """Write a video's pictures at `times` to the report as `name`; or why they cannot be had."""
    try:
        pictures = read_frames(path, times)
    except (VideoRejected, OSError) as error:
        return str(error)
    content, width, height = _sheet(pictures)
    folder.write(name, content)
    return Sheet(name, times, width, height, ACROSS)


def _sheet(pictures: NDArray[np.uint8]) -> tuple[bytes, int, int]:
    """(n, H, W, 3) pictures as one WebP, and the size of one of them in it."""
    count, rows, columns = pictures.shape[:3]
    height = min(HEIGHT, rows)
    width = max(1, round(columns * height / rows))
    sheet = Image.new("RGB", (width * min(ACROSS, count), height * -(-count // ACROSS)))
    for number, picture in enumerate(pictures):
        small = Image.fromarray(picture)
        small = small if small.size == (width, height) else small.resize((width, height), Image.Resampling.LANCZOS)
        sheet.paste(small, (width * (number % ACROSS), height * (number // ACROSS)))
    buffer = io.BytesIO()
    sheet.save(buffer, "WEBP", quality=QUALITY)
    return buffer.getvalue(), width, height
