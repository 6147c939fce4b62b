"""Long videos spliced from needles, short captioned events of different files, and stretches of other files (TSPO's recipe)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from av import VideoFrame
from numpy.typing import NDArray

from framethrift.codec import read_frames
from framethrift.config.long_video_qa import Quality, Splicing
from framethrift.videos.long_events import Event, alike
from framethrift.videos.source import write_source

_FRAMES_AT_ONCE = 64


@dataclass(frozen=True)
class Footage:
    """A file of the folder: its length in seconds, and the events in it that may become needles."""

    path: Path
    duration: float
    events: tuple[Event, ...]


@dataclass(frozen=True)
class Stretch:
    """Frames of a file, from `start` seconds at the splicing's rate; a needle has a caption."""

    path: Path
    start: float
    frames: int
    caption: str = ""


@dataclass(frozen=True)
class Spliced:
    """A video to be spliced into `target`."""

    target: Path
    stretches: tuple[Stretch, ...]

    def frames(self) -> int:
        """Frames of the whole video."""
        return sum(stretch.frames for stretch in self.stretches)

    def events(self, fps: float) -> list[Event]:
        """The needles in the spliced video's own seconds, from the first to the last frame that shows each."""
        found, before = [], 0
        for stretch in self.stretches:
            if stretch.caption:
                found.append(Event(before / fps, (before + stretch.frames - 1) / fps, stretch.caption))
            before += stretch.frames
        return found


def plan_video(files: Sequence[Footage], target: Path, settings: Splicing, quality: Quality, rng: np.random.Generator) -> Spliced:
    """What one video is spliced of: needles from different files in random order, a stretch of other files around each.

    Stretches come from files without any event that reads like one of the needles. Its length is drawn from `settings.minutes`.
    Raises ValueError when the files do not suffice.
    """
    chosen: list[Event] = []
    needles: list[Stretch] = []
    used: set[Path] = set()
    for index in rng.permutation(len(files)):
        own = files[index]
        told = [event for event in own.events if not any(alike(event, other, quality.alike) for other in chosen)]
        if told and len(needles) < settings.needles:
            event = told[int(rng.integers(len(told)))]
            chosen.append(event)
            needles.append(_needle(own, event, settings))
            used.add(own.path)
    others = [
        own
        for own in files
        if own.path not in used and not any(alike(event, needle, quality.alike) for event in own.events for needle in chosen)
    ]
    if len(needles) < settings.needles or not others:
        raise ValueError(
            f"{target.name}: {settings.needles} needles need as many files with a usable event of their own, and one more file "
            f"with nothing like them; found {len(needles)} and {len(others)}: give more videos, or set splicing.needles lower"
        )
    wanted = settings.fps * 60 * rng.uniform(*settings.minutes)
    fillers: list[Stretch] = []
    left = wanted - sum(needle.frames for needle in needles)
    while left >= 1 or len(fillers) <= len(needles):
        fillers.append(_filler(others[int(rng.integers(len(others)))], settings, rng))
        left -= fillers[-1].frames
    # One stretch before, between and after the needles each, the others anywhere.
    anywhere = rng.integers(0, len(needles) + 1, len(fillers) - len(needles) - 1)
    gaps = np.sort(np.concatenate([np.arange(len(needles) + 1), anywhere]))
    stretches: list[Stretch] = []
    for gap in range(len(needles) + 1):
        stretches += [filler for filler, place in zip(fillers, gaps, strict=True) if place == gap]
        stretches += needles[gap : gap + 1]
    return Spliced(target, tuple(stretches))


def _needle(own: Footage, event: Event, settings: Splicing) -> Stretch:
    seconds = min(event.end - event.start, settings.needle_seconds)
    start = (event.start + event.end - seconds) / 2
    return Stretch(own.path, start, max(1, int(seconds * settings.fps)), event.caption)


def _filler(own: Footage, settings: Splicing, rng: np.random.Generator) -> Stretch:
    seconds = min(own.duration, settings.filler_seconds)
    return Stretch(own.path, float(rng.uniform(0, own.duration - seconds)), max(1, int(seconds * settings.fps)))


def splice(task: tuple[Spliced, Splicing]) -> None:
    """Write one planned video; memory holds one stretch at a time."""
    planned, settings = task
    write_source(_pictures(planned, settings), planned.target, settings.fps)


def _pictures(planned: Spliced, settings: Splicing) -> Iterator[NDArray[np.uint8]]:
    for stretch in planned.stretches:
        times = stretch.start + np.arange(stretch.frames) / settings.fps
        for first in range(0, len(times), _FRAMES_AT_ONCE):
            for picture in read_frames(stretch.path, times[first : first + _FRAMES_AT_ONCE]):
                yield _fitted(picture, settings.width, settings.height)


def _fitted(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """The whole picture (H, W, 3) as large as fits into height × width, in the middle of a black one."""
    tall, wide = picture.shape[:2]
    scale = min(height / tall, width / wide)
    size = {"width": max(1, round(wide * scale)), "height": max(1, round(tall * scale))}
    scaled = VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24").reformat(**size).to_ndarray()
    canvas = np.zeros((height, width, 3), np.uint8)
    top, left = (height - size["height"]) // 2, (width - size["width"]) // 2
    canvas[top : top + size["height"], left : left + size["width"]] = scaled
    return canvas


def plan_videos(
    files: Mapping[str, Sequence[Footage]], dataset: str, folder: Path, settings: Splicing, quality: Quality, seed: int
) -> list[tuple[str, str, Spliced]]:
    """(split, video_id, plan) of every video of `settings`; splits share no file. Errors as `plan_video`."""
    planned = []
    for number, split in enumerate(("train", "validation")):
        for index in range(getattr(settings, split)):
            video_id = f"{dataset}-{split}-{index:05d}"
            rng = np.random.default_rng([seed, number, index])
            target = folder / split / f"{video_id}.mp4"
            planned.append((split, video_id, plan_video(files.get(split, ()), target, settings, quality, rng)))
    return planned
