"""StreamingBench: questions asked while a video runs.

Questions of the parts real, omni and sqa are multiple choice about the 60 s before their time. A proactive question is polled
every second from a second after it was asked to four seconds after the right moment: every poll is one round of its document.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from framethrift.published.annotations.entry import LETTERS, Entries, Entry, choice
from framethrift.published.annotations.records import AnnotationError, Record, read_json

CONTEXT = 60.0  # seconds shown before a question (the benchmark's main setting)
AFTER = 4  # seconds polled after the right moment
_NUMBERED = re.compile(r"^([A-D])\.\s*(.*)$", re.DOTALL)


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """src/data/questions_<part>.json, one list of clips each; a clip repeats its video's path. Raises AnnotationError."""
    for path in files:
        part = path.stem.removeprefix("questions_").removesuffix("_stream").removesuffix("_50")
        counts: dict[str, int] = {}
        for clip in _clips(path):
            video = PurePosixPath(clip.text("video_path")).name
            for question in clip.nested("questions"):
                number = counts[video] = counts.get(video, -1) + 1
                question_id = f"{PurePosixPath(video).stem}_{number}"
                if part == "proactive":
                    yield from _polls(question, question_id, video)
                else:
                    yield _choice(question, question_id, video, part)


def _clips(path: Path) -> Iterator[Record]:
    """The clips of a file; those of the sequential questions come in one list per video."""
    content = read_json(path)
    if not isinstance(content, list):
        raise AnnotationError(f"{path}: must hold a list of clips, found {type(content).__name__}")
    for number, item in enumerate(content):
        for clip in item if isinstance(item, list) else [item]:
            if not isinstance(clip, dict):
                raise AnnotationError(f"{path}: clip {number}: is no mapping")
            yield Record(f"{path}: clip {number}", clip)


def _choice(record: Record, question_id: str, video: str, part: str) -> Entry:
    options = _options(record)
    letter = record.letter("answer", len(options))
    time, question = record.clock("time_stamp"), record.text("question")
    document: dict[str, Any] = {
        "question_id": question_id,
        "question": question,
        "options": list(options),
        "answer": letter,
        "task_type": record.text("task_type"),
        "time": time,
    }
    return Entry(
        question_id=question_id,
        video=video,
        places=_places(video, part),
        media=f"streamingbench/{video}",
        task=f"framethrift_streamingbench_{part}",
        document=document | {"video": f"streamingbench/{video}", "video_id": video},
        question=question,
        type=document["task_type"],
        part=part,
        start=max(0.0, time - CONTEXT),
        until=time,
        **choice(options, LETTERS.index(letter)),
    )


def _options(record: Record) -> tuple[str, ...]:
    """Option texts without letters. Some options of the official file are split over several items: they are joined."""
    given = record.texts("options", least=4)
    if len(given) == 4:
        matches = [_NUMBERED.match(text) for text in given]
        return tuple(match[2] if match else text for match, text in zip(matches, given, strict=True))
    joined: list[str] = []
    for text in given:
        match = _NUMBERED.match(text)
        if match and match[1] == LETTERS[len(joined)]:
            joined.append(match[2])
        elif joined:
            joined[-1] = f"{joined[-1]} {text}".strip()
    if len(joined) != 4:
        raise record.error("options", f"is {list(given)}; allowed: four options A to D")
    return tuple(joined)


def _polls(record: Record, question_id: str, video: str) -> Iterator[Entry]:
    asked, right = record.clock("time_stamp"), record.clock("ground_truth_time_stamp")
    output = record.text("ground_truth_output")
    times = [float(second) for second in range(int(asked) + 1, int(right) + AFTER + 1)]
    if not times:
        raise record.error("ground_truth_time_stamp", f"is {right} s, long before the question at {asked} s")
    document: dict[str, Any] = {
        "question_id": question_id,
        "question": record.text("question"),
        "output": output,
        "asked": asked,
        "right": right,
        "times": times,
        "task_type": record.text("task_type"),
    }
    for number, time in enumerate(times):
        answer = "Yes" if time >= right else "No"
        yield Entry(
            question_id=f"{question_id}_{number}",
            document_id=question_id,
            round=number,
            video=video,
            places=_places(video, "proactive"),
            media=f"streamingbench/{video}",
            task="framethrift_streamingbench_proactive",
            document=document | {"video": f"streamingbench/{video}", "video_id": video},
            question=f'{document["question"]} Is it the right time to output "{output}"?',
            type=document["task_type"],
            part="proactive",
            start=max(0.0, asked - CONTEXT),
            until=time,
            answer=answer,
            answers=(answer,),
            options=("Yes", "No"),
        )


def _places(video: str, part: str) -> tuple[str, ...]:
    return (video, f"{part}/{video}", f"videos/{video}")
