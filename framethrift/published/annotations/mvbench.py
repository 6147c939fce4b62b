"""MVBench: twenty temporal tasks of 200 questions each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from framethrift.published.annotations.entry import Entries, Entry, choice
from framethrift.published.annotations.records import AnnotationError, Record, records


@dataclass(frozen=True)
class _Folders:
    """Where a task's videos lie: whole ones as first published, and the hub's revision `video`, which has cut segments."""

    whole: str
    hub: str


_STAR = _Folders("star/Charades_v1_480", "star/Charades_segment")
_CLEVRER = _Folders("clevrer/video_validation", "clevrer/video_validation")
_PERCEPTION = _Folders("perception/videos", "perception/videos")
FOLDERS = {
    "action_antonym": _Folders("ssv2_video", "ssv2_video_mp4"),
    "action_count": _PERCEPTION,
    "action_localization": _Folders("sta/sta_video", "sta/sta_video_segment"),
    "action_prediction": _STAR,
    "action_sequence": _STAR,
    "character_order": _PERCEPTION,
    "counterfactual_inference": _CLEVRER,
    "egocentric_navigation": _Folders("vlnqa", "vlnqa"),
    # A folder of frames at 3 per second for each video.
    "episodic_reasoning": _Folders("tvqa/frames_fps3_hq", "tvqa/video_fps3_hq_segment"),
    "fine_grained_action": _Folders("Moments_in_Time_Raw/videos", "Moments_in_Time_Raw/videos"),
    "fine_grained_pose": _Folders("nturgbd", "nturgbd_convert"),
    "moving_attribute": _CLEVRER,
    "moving_count": _CLEVRER,
    "moving_direction": _CLEVRER,
    "object_existence": _CLEVRER,
    "object_interaction": _STAR,
    "object_shuffle": _PERCEPTION,
    "scene_transition": _Folders("scene_qa/video", "scene_qa/video"),
    "state_change": _PERCEPTION,
    "unexpected_action": _Folders("FunQA_test/test", "FunQA_test/test"),
}


def official(files: Sequence[Path], benchmark: str) -> Entries:
    """json/<task>.json: video, question, candidates, answer and, in five tasks, start and end. Raises AnnotationError."""
    for path in files:
        if path.stem not in FOLDERS:
            raise AnnotationError(f"{path}: {path.stem!r} is no task; allowed: {sorted(FOLDERS)}")
        for number, record in enumerate(records(path)):
            yield _entry(record, path.stem, f"{path.stem}_{number:03d}")


def _entry(record: Record, task: str, question_id: str) -> Entry:
    options, answer, video = record.texts("candidates"), record.text("answer"), record.text("video")
    if answer not in options:
        raise record.error("answer", f"is {answer!r}; allowed: {list(options)}")
    start, end = (record.number(name) if record.values.get(name) is not None else None for name in ("start", "end"))
    if start is not None and end is not None and not 0 <= start < end:
        raise record.error("end", f"is {end}, not after start {start}")
    folders = FOLDERS[task]
    return Entry(
        question_id=question_id,
        video=f"{folders.whole}/{video}",
        places=tuple(f"{folder}/{video}" for folder in (folders.whole, folders.hub)),
        media=f"mvbench_video/{folders.hub}/{video}",
        task=f"mvbench_{task}",
        document={"video": video, "question": record.text("question"), "candidates": list(options), "answer": answer},
        question=record.text("question"),
        type=task,
        start=start,
        end=end,
        **choice(options, options.index(answer)),
    )
