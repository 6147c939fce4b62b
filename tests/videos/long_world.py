"""Procedurally made long videos with captions, and a folder of them with bad ones among them."""

import json
from pathlib import Path

import numpy as np

from framethrift.videos.shapes import COLOURS, background, paste, sprite
from framethrift.videos.source import write_source

FPS = 0.5
EVENTS = [
    "a red square slides in from the left",
    "two green discs bounce against each other",
    "a blue triangle hangs below the ceiling",
    "the yellow cross spins on its tip",
    "some red rings roll down a slope",
    "one green bar falls into the water",
    "a large blue disc covers everything",
]
_SHOWN = [("square", "red"), ("disc", "green"), ("triangle", "blue"), ("cross", "yellow"), ("ring", "red"), ("bar", "green")]


def long_video(path: Path, minutes: float, events: list[int], seed: int) -> list[dict[str, object]]:
    """Write a video at half a frame per second; event k is shown for 8 seconds, evenly spread. Returns its captions."""
    rng = np.random.default_rng(seed)
    count = round(minutes * 60 * FPS)
    scene = background(48, 64, 14, rng)
    frames = np.repeat(scene[None], count, axis=0)
    entries: list[dict[str, object]] = []
    for place, event in enumerate(events):
        first = (place + 1) * count // (len(events) + 1)
        shape, colour = _SHOWN[event % len(_SHOWN)]
        for number in range(first, first + 4):
            paste(frames[number], sprite(shape, COLOURS[colour], 15, 22, rng), 20, 15)
        entry = {"video": path.name, "start": first / FPS, "end": (first + 4) / FPS, "caption": EVENTS[event]}
        entries.append(entry)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_source(frames.clip(0, 255).astype(np.uint8), path, FPS)
    return entries


def needle_folder(root: Path) -> tuple[Path, Path]:
    """A folder of one-minute videos, some with one event and some with none, beside a damaged one; and the captions' file."""
    folder, entries = root / "needles", []
    for index in range(16):
        entries += long_video(folder / f"needle{index}.mp4", 1, [index % len(EVENTS)], index)
    for index in range(6):
        long_video(folder / f"plain{index}.mp4", 1, [], 50 + index)
    content = bytearray((folder / "needle0.mp4").read_bytes())
    place = len(content) // 3
    content[place : place + 200] = bytes(200)  # in the middle: every packet is there, and one cannot be decoded
    (folder / "damaged.mp4").write_bytes(content)
    return folder, _written(root / "needles.jsonl", entries)


def _written(path: Path, entries: list[dict[str, object]]) -> Path:
    path.write_text("".join(json.dumps(entry) + "\n" for entry in entries), encoding="utf-8")
    return path


def long_folder(root: Path, videos: int = 8) -> tuple[Path, Path]:
    """A folder of `videos` good videos of three minutes beside bad ones, and the file that captions them."""
    folder, entries = root / "long", []
    for index in range(videos):
        order = [int(event) for event in np.random.default_rng([7, index]).permutation(len(EVENTS))]
        entries += long_video(folder / f"good{index}.mp4", 3, order, index)
    entries += long_video(folder / "short.mp4", 0.75, [0, 1], 100)
    long_video(folder / "uncaptioned.mp4", 3, [2], 101)
    content = (folder / "good0.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(content[: len(content) // 2])
    (folder / "empty.mp4").write_bytes(b"")
    for name in ("cut", "empty", "absent"):
        entries.append({"video": f"{name}.mp4", "start": 10, "end": 14, "caption": EVENTS[0]})
    return folder, _written(root / "captions.jsonl", entries)
