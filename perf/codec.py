"""How fast the codec layer is, beside plain decoding and beside other ways, on the same file in the same run.

    python perf/codec.py --quick
    python perf/codec.py --json perf/measured/codec.json

Every figure is frames of the file per second of wall time, one process and one decoder thread unless said otherwise, best of
three runs (of one at s = 1 above 360p). The content is a textured pan with moving objects, so that vectors are dense.
motion-vector-extractor is measured where it is installed (``pip install --no-deps motion-vector-extractor``: its opencv-python
would collide with the headless one).
"""

import argparse
import importlib
import json
import multiprocessing
import os
import platform
import re
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from framethrift.codec import Recipe, encode_frames, frame_table, read_gops
from framethrift.codec.pictures import RgbReader
from framethrift.codec.source import open_video
from framethrift.codec.vectors import SUBPIXELS, vectors_of
from framethrift.files import replace_file

SIZES = {"360p": (640, 360), "720p": (1280, 720), "1080p": (1920, 1080)}


def scene(width: int, height: int, count: int) -> Iterator[NDArray[np.uint8]]:
    """A slow pan over texture with three objects that move on their own, uint8 (H, W, 3)."""
    rng = np.random.default_rng(0)
    world = rng.integers(60, 180, ((height + 200) // 6 + 1, (width + 200) // 6 + 1, 3)).repeat(6, 0).repeat(6, 1).astype(np.uint8)
    side = height // 5
    objects = (
        rng.integers(0, 256, (3, side // 4 + 1, side // 4 + 1, 3)).repeat(4, 1).repeat(4, 2)[:, :side, :side].astype(np.uint8)
    )
    for k in range(count):
        x, y = int(100 + 90 * np.sin(k / 40)), int(100 + 60 * np.sin(k / 31))
        frame = world[y : y + height, x : x + width].copy()
        for number, picture in enumerate(objects):
            left = int((width - side) * (0.5 + 0.5 * np.sin(k / (17 + 9 * number) + number)))
            top = int((height - side) * (0.5 + 0.5 * np.cos(k / (23 + 5 * number) + number)))
            frame[top : top + side, left : left + side] = picture
        yield frame


def plain(path: Path) -> int:
    """Decode to YUV and look at nothing."""
    count = 0
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_type = "NONE"
        stream.codec_context.thread_count = 1
        for _ in container.decode(stream):
            count += 1
    return count


def plain_with_vectors(path: Path) -> int:
    """Decode to YUV with damage checks and motion vectors, as the reader does, and do nothing with them."""
    count = 0
    with open_video(path, vectors=True) as source:
        for frame in source.frames():
            vectors_of(frame)
            count += 1
    return count


def fused(path: Path, window: int, gops: list[int] | None = None) -> int:
    """Our primitives; returns the number of slots."""
    return sum(len(gop.times) for gop in read_gops(path, window, gops))


def motion_vector_extractor(path: Path) -> int:
    """The package of that name (raw vectors and BGR frames)."""
    capture, count = importlib.import_module("mvextractor.videocap").VideoCap(), 0
    if not capture.open(str(path)):
        raise RuntimeError(f"motion-vector-extractor cannot open {path}")
    while capture.read()[0]:
        count += 1
    capture.release()
    return count


def on_one_core(action: Callable[[], int]) -> int:
    """Run on a single core: motion-vector-extractor decodes with as many threads as there are cores, the others with one."""
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(allowed)})
    try:
        return action()
    finally:
        os.sched_setaffinity(0, allowed)


def numpy_fused(path: Path, window: int, most: int) -> int:
    """A straightforward numpy version of the same: dense fields, whole-picture indexing; the first ``most`` frames only."""
    rgb = RgbReader()
    fields: list[NDArray[np.int64]] = []
    reference = None
    count = 0
    with open_video(path, vectors=True) as source:
        for frame in source.frames():
            field = np.zeros((frame.height, frame.width, 2), np.int64)
            found = vectors_of(frame)
            for v in () if found is None else found:
                top, left = max(int(v["dst_y"]) - int(v["h"]) // 2, 0), max(int(v["dst_x"]) - int(v["w"]) // 2, 0)
                scale = SUBPIXELS // int(v["motion_scale"])
                field[top : top + int(v["h"]), left : left + int(v["w"])] = (v["motion_x"] * scale, v["motion_y"] * scale)
            fields.append(field)
            if count % window == 0:
                target = rgb.read(frame).astype(np.int16)
                if reference is not None:
                    numpy_trace(fields[-window:], reference, target)
                reference = target
                fields.clear()
            count += 1
            if count == most:
                break
    return count


def numpy_trace(fields: list[NDArray[np.int64]], reference: NDArray[np.int16], target: NDArray[np.int16]) -> NDArray[np.int16]:
    """Follow every pixel back through dense fields; returns δ."""
    height, width, _ = target.shape
    y, x = np.mgrid[:height, :width]
    moved = np.zeros((height, width, 2), np.int64)
    for field in reversed(fields):
        whole = np.sign(moved) * ((np.abs(moved) + SUBPIXELS // 2) // SUBPIXELS)
        moved = moved + field[np.clip(y + whole[..., 1], 0, height - 1), np.clip(x + whole[..., 0], 0, width - 1)]
    whole = np.sign(moved) * ((np.abs(moved) + SUBPIXELS // 2) // SUBPIXELS)
    return target - reference[np.clip(y + whole[..., 1], 0, height - 1), np.clip(x + whole[..., 0], 0, width - 1)]


def rate(frames: int, action: Callable[[], object], repeats: int) -> float:
    """Frames per second of the fastest of ``repeats`` runs."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        best = min(best, time.perf_counter() - start)
    return frames / best


def _half(arguments: tuple[Path, int, list[int]]) -> int:
    return fused(*arguments)


def two_processes(path: Path, window: int, gops: int, repeats: int, frames: int) -> float:
    """The GOPs of one file shared between two processes that are already running."""
    parts = [(path, window, list(range(start, gops, 2))) for start in (0, 1)]
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(_half, parts)
        return rate(frames, lambda: pool.map(_half, parts), repeats)


def measure(path: Path, quick: bool) -> dict[str, float]:
    """All ways on one file."""
    table = frame_table(path)
    frames, gops = len(table.types), int(table.key.sum())
    repeats = 3
    fused(path, 30)
    result = {
        "plain": rate(frames, lambda: plain(path), repeats),
        "plain_with_vectors": rate(frames, lambda: plain_with_vectors(path), repeats),
    }
    for window in (30,) if quick else (1, 10, 30):
        result[f"fused_s{window}"] = rate(frames, partial(fused, path, window), repeats if window > 1 or frames > 500 else 1)
    result["numpy_s30"] = rate(31, lambda: numpy_fused(path, 30, 31), 1)
    try:
        result["motion_vector_extractor"] = rate(frames, lambda: on_one_core(lambda: motion_vector_extractor(path)), repeats)
        result["motion_vector_extractor_all_cores"] = rate(frames, lambda: motion_vector_extractor(path), repeats)
    except ImportError:
        print("motion-vector-extractor is not installed: not measured", file=sys.stderr)
    result["fused_s30_two_processes"] = two_processes(path, 30, gops, repeats, frames)
    result["vectors_per_frame"] = float(table.vectors.mean())
    return result


def _read_and_weigh(arguments: tuple[Path, list[int] | None]) -> tuple[float, float]:
    """Seconds for reading the chosen GOPs (all when None) and the peak memory of the process, MB."""
    path, chosen = arguments
    fused(path, 30, [0])
    start = time.perf_counter()
    fused(path, 30, chosen)
    return time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def random_access(folder: Path, quick: bool) -> dict[str, float]:
    """64 of 450 GOPs of an hour at 30 frames/s (quick: 8 of 56), beside reading it all; and the memory that takes."""
    gops, wanted = (56, 8) if quick else (450, 64)
    path = folder / "long.mp4"
    short = list(scene(640, 360, 240))
    encode_frames((short[k % 240] for k in range(gops * 240)), path, Recipe.model_validate({"quantiser": 6}))
    chosen = np.linspace(0, gops - 1, wanted).round().astype(int).tolist()
    results = []
    for part in (chosen, None):
        with multiprocessing.get_context("spawn").Pool(1) as pool:
            results.append(pool.map(_read_and_weigh, [(path, part)])[0])
    (some, some_memory), (whole, whole_memory) = results
    return {
        "gops": gops,
        "chosen": wanted,
        "seconds_chosen": some,
        "seconds_all": whole,
        "share": some / whole,
        "peak_megabytes_chosen": some_memory,
        "peak_megabytes_all": whole_memory,
    }


def conditions() -> dict[str, object]:
    """What the figures depend on: processor, system and versions."""
    cpuinfo = Path("/proc/cpuinfo")
    names = re.findall(r"model name\s*:\s*(.+)", cpuinfo.read_text(encoding="utf-8")) if cpuinfo.is_file() else []
    versions: dict[str, str | None] = {}
    for package in ("av", "numba", "numpy", "motion-vector-extractor"):
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "cpu": names[0] if names else platform.processor() or platform.machine(),
        "cores": len(names) or None,
        "system": platform.system(),
        "python": platform.python_version(),
        "libavcodec": ".".join(map(str, av.library_versions["libavcodec"])),
        "versions": versions,
        "threads_per_decoder": 1,
    }


def main() -> None:
    """Measure, print a table, and write JSON if asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="360p, MPEG-4 only, fewer repeats")
    parser.add_argument("--hour", action="store_true", help="also random access in a file of an hour, which takes minutes")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    arguments = parser.parse_args()
    report: dict[str, object] = {"conditions": conditions(), "quick": arguments.quick}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        files: dict[str, dict[str, float]] = {}
        report["frames_per_second"] = files
        for size in ("360p",) if arguments.quick else SIZES:
            for codec in ("mpeg4",) if arguments.quick else ("mpeg4", "h264"):
                path = folder / f"{size}.{codec}.mp4"
                count = {"360p": 960, "720p": 480, "1080p": 240}[size]
                quantiser = 4 if codec == "mpeg4" else 20
                # Several GOPs per file, for two processes to share.
                recipe = Recipe.model_validate({"codec": codec, "quantiser": quantiser, "gop": 120})
                encode_frames(scene(*SIZES[size], count), path, recipe)
                files[f"{size} {codec}"] = measure(path, arguments.quick)
                path.unlink()
                write(report, arguments.json)
        if arguments.quick or arguments.hour:
            report["random_access"] = random_access(folder, arguments.quick)
    write(report, arguments.json)
    print(json.dumps(report, indent=1))


def write(report: dict[str, object], target: Path | None) -> None:
    """What is measured so far, in one piece."""
    if target is not None:
        target.parent.mkdir(parents=True, exist_ok=True)
        replace_file(target, lambda path: path.write_text(json.dumps(report, indent=1) + "\n"))


if __name__ == "__main__":
    main()
