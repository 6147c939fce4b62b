"""Annotation files in the published formats, about 20 questions each, written from their field lists; every text is made up."""

import csv
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from framethrift.published.annotations.cvrr_es import DIMENSIONS as CVRR
from framethrift.published.annotations.tempcompass import DIMENSIONS

Rows = list[dict[str, Any]]

COLOURS = ("red", "green", "blue", "yellow", "white")
LETTERS = "ABCDE"
NAMES = ("clip_a", "clip_b", "clip_c", "clip_d")
MVBENCH = (
    *("action_antonym", "action_count", "action_localization", "action_prediction", "action_sequence", "character_order"),
    *("counterfactual_inference", "egocentric_navigation", "episodic_reasoning", "fine_grained_action", "fine_grained_pose"),
    *("moving_attribute", "moving_count", "moving_direction", "object_existence", "object_interaction", "object_shuffle"),
    *("scene_transition", "state_change", "unexpected_action"),
)
MLVU = ("plotQA", "findNeedle", "ego", "count", "order", "anomaly_reco", "topic_reasoning")


def ask(number: int) -> str:
    """A question; number makes it different from others."""
    return f"which colour is the square when it passes for the {number + 1}. time"


def lines(number: int, count: int = 4, form: str = "{letter}. {text}") -> list[str]:
    """Lettered options."""
    return [form.format(letter=letter, text=text) for letter, text in zip(LETTERS, options(number, count), strict=False)]


def options(number: int, count: int = 4) -> list[str]:
    """Options in an order that depends on the question."""
    return [COLOURS[(number + place) % len(COLOURS)] for place in range(count)]


def write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")


def write_parquet(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows), path)


def write_csv(path: Path, rows: Rows, delimiter: str = ",") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def perceptiontest(folder: Path, hub: bool) -> None:
    def question(number: int) -> dict[str, Any]:
        facts = {"question": f"{ask(number)}?", "options": options(number, 3), "answer_id": number % 3}
        return {"id": number, **facts, "area": "physics", "reasoning": "predictive", "tag": ["motion"]}

    if hub:
        rows = []
        for number in range(20):
            found = question(number)
            number_text = {"question_id": str(found.pop("id")), "answer_id": str(found["answer_id"])}
            rows.append({"video_name": NAMES[number % 4], **found, **number_text})
        write_parquet(folder / "mc_question_val" / "validation-00000-of-00001.parquet", rows)
        return
    metadata = {"split": "valid", "frame_rate": 8.0, "num_frames": 48}
    videos = {
        name: {"metadata": metadata, "mc_question": [question(4 * place + at) for place in range(5)]}
        for at, name in enumerate(NAMES)
    }
    write_json(folder / "mc_question_valid.json", videos)
    write_json(folder / "cut_frame_mapping_valid.json", {NAMES[0]: 24, NAMES[1]: -1})


def nextqa(folder: Path, hub: bool) -> None:
    kinds = ("CW", "CH", "TN", "TC", "TP", "DC", "DL", "DO")
    rows = [
        {
            **{"video": f"{1000 + number % 4}", "frame_count": 48, "width": 64, "height": 48, "question": ask(number)},
            **{"answer": number % 5, "qid": number, "type": kinds[number % 8]},
            **{f"a{place}": text for place, text in enumerate(options(number, 5))},
        }
        for number in range(20)
    ]
    if hub:
        write_parquet(folder / "MC" / "test-00000-of-00001.parquet", [{**row, "qid": str(row["qid"])} for row in rows])
    else:
        write_csv(folder / "test.csv", rows)


def activitynetqa(folder: Path, hub: bool) -> None:
    questions = [
        {"video_name": NAMES[number % 4], "question": ask(number), "question_id": f"v_{NAMES[number % 4]}_{number}"}
        for number in range(20)
    ]
    answers = [
        {"answer": COLOURS[number % 5], "type": number % 9, "question_id": question["question_id"]}
        for number, question in enumerate(questions)
    ]
    if hub:
        rows = [{**question, **answer, "type": str(answer["type"])} for question, answer in zip(questions, answers, strict=True)]
        write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)
    else:
        write_json(folder / "test_q.json", questions)
        write_json(folder / "test_a.json", answers)


def videomme(folder: Path, hub: bool) -> None:
    durations = ("short", "medium", "long", "long")
    rows = [
        {
            **{"video_id": f"{number % 4:03d}", "duration": durations[number % 4], "domain": "Knowledge"},
            **{"sub_category": "Astronomy", "url": "none", "videoID": NAMES[number % 4], "question_id": f"{number:03d}-1"},
            **{"task_type": "Counting Problem", "question": f"{ask(number)}?", "options": lines(number)},
            "answer": LETTERS[number % 4],
        }
        for number in range(20)
    ]
    write_parquet(folder / "videomme" / "test-00000-of-00001.parquet", rows)


def tempcompass(folder: Path, hub: bool) -> None:
    def question(number: int) -> dict[str, str]:
        shown = lines(number, 3)
        return {"question": "\n".join([f"{ask(number)}?", *shown]), "answer": shown[number % 3]}

    asked = {name: {kind: [question(5 * at + place)] for place, kind in enumerate(DIMENSIONS)} for at, name in enumerate(NAMES)}
    if hub:
        rows = [{"video_id": v, "dim": dim, **q} for v, dims in asked.items() for dim, found in dims.items() for q in found]
        write_parquet(folder / "multi-choice" / "test-00000-of-00001.parquet", rows)
    else:
        write_json(folder / "multi-choice.json", asked)


def tomato(folder: Path, hub: bool) -> None:
    rows: Rows = []
    for kind in ("count", "direction", "rotation", "velocity&frequency"):
        questions = {}
        for number in range(5):
            facts = {"question": f"{ask(number)}?", "options": options(number), "answer": number % 4, "key": NAMES[number % 4]}
            questions[str(number)] = {**facts, "demonstration_type": "human", "motion_type": "line", "variation": {}, "note": ""}
            path = f"videos/human/{NAMES[number % 4]}.mp4"
            rows.append(
                {"id": f"{kind}-{number}", **facts, "reason_type": kind, "demonstration_type": "human", "video_path": path}
            )
        if not hub:
            write_json(folder / "data" / f"{kind}.json", questions)
    if hub:
        write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)


def cvrr_es(folder: Path, hub: bool) -> None:
    for name, dimension in CVRR.items():
        rows = [
            {"Q": f"{ask(number)}?", "A": f"It is {COLOURS[number]}.", "VideoID": f"{NAMES[number]}.mp4"} for number in range(2)
        ]
        if hub:
            hub_rows = [{**row, "DimensionName": dimension} for row in rows]
            write_parquet(folder / name / "test-00000-of-00001.parquet", hub_rows)
        else:
            write_json(folder / name / f"annotations_{name}.json", rows)


def mvbench(folder: Path, hub: bool) -> None:
    clipped = ("action_sequence", "action_prediction", "action_localization", "object_interaction", "episodic_reasoning")
    for at, task in enumerate(MVBENCH):
        name = NAMES[at % 4] if task == "episodic_reasoning" else f"{NAMES[at % 4]}.mp4"
        row = {"video": name, "question": f"{ask(at)}?", "candidates": options(at, 3 + at % 2), "answer": options(at)[at % 3]}
        if task in clipped and not hub:
            row |= {"start": 1.0, "end": 3.5}
        write_json(folder / (f"json/{task}.json" if hub else f"{task}.json"), [row])


def longvideobench(folder: Path, hub: bool) -> None:
    rows = []
    for number in range(20):
        shown = [*options(number, 4 + number % 2), "N/A"][:5]
        names = {"video_id": NAMES[number % 4], "id": f"{NAMES[number % 4]}_{number}", "video_path": f"{NAMES[number % 4]}.mp4"}
        numbers = {"duration": 6.0, "duration_group": (15, 60, 600, 3600)[number % 4], "starting_timestamp_for_subtitles": 0}
        facts = {"subtitle_path": f"{NAMES[number % 4]}_en.json", "question": f"{ask(number)}?", "question_category": "T2O"}
        row = {**names, **numbers, **facts, "topic_category": "KA", "correct_choice": number % 4}
        rows.append({**row, **{f"option{place}": text for place, text in enumerate(shown)}})
    write_parquet(folder / "validation-00000-of-00001.parquet", rows)


def lvbench(folder: Path, hub: bool) -> None:
    def question(number: int) -> dict[str, Any]:
        text = "\n".join([f"{ask(number)}?", *lines(number, form="({letter}) {text}")])
        return {"uid": str(number), "question": text, "answer": LETTERS[number % 4], "question_type": ["entity recognition"]}

    if hub:
        rows = [{**question(number), "video_path": f"{NAMES[number // 5]}.mp4", "type": "tv"} for number in range(20)]
        write_parquet(folder / "data" / "train-00000-of-00001.parquet", rows)
        return
    videos = [
        {"key": name, "qa": [question(5 * at + place) for place in range(5)], "type": "tv"} for at, name in enumerate(NAMES)
    ]
    text = "".join(json.dumps(video) + "\n" for video in videos)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "video_info.meta.jsonl").write_text(text, encoding="utf-8")


def video_tt(folder: Path, hub: bool) -> None:
    rows = [
        {
            **{
                "qid": f"{number:04d}-0",
                "video_id": NAMES[number % 4],
                "question": "\n".join([f"{ask(number)}?", *lines(number, 5)]),
            },
            **{"question_prompt": "Please respond with only the letter of the correct answer.", "answer": LETTERS[number % 5]},
            **{"capability": "Element Attributes", "duration": 6},
        }
        for number in range(20)
    ]
    write_parquet(folder / "data" / "test-00000-of-00001.parquet", rows)
    for split in ("primary", "paraphrased", "correctly_led", "wrongly_led"):
        asked = [
            {
                **row,
                "question": f"{ask(number)} ({split})?",
                "question_prompt": "Please answer shortly.",
                "answer": COLOURS[number],
            }
            for number, row in enumerate(rows[:5])
        ]
        write_parquet(folder / "data" / f"test_{split}_oe-00000-of-00001.parquet", asked)


def video_mmmu(folder: Path, hub: bool) -> None:
    ids = ("dev_Art_1", "validation_Math_2", "validation_History_3", "test_Materials_4", "validation_Pharmacy_5", "new_Finance_6")
    for track in ("Perception", "Comprehension", "Adaptation"):
        rows = []
        for number, name in enumerate(ids):
            row = {"id": name, "link_selected": "none", "question": f"{ask(number)}?", "options": options(number, 5)}
            row["answer"] = LETTERS[number % 5]
            if track == "Adaptation":
                row["question_type"] = "multiple-choice"
                if number == 5:
                    row |= {"options": [], "answer": "12.5", "question_type": "open"}
            rows.append(row)
        if hub:
            write_parquet(folder / track / "test-00000-of-00001.parquet", rows)
        else:
            write_json(folder / f"{track.lower()}_video.json", {track: {str(at): row for at, row in enumerate(rows)}})


def scanqa(folder: Path, hub: bool) -> None:
    rows = [
        {
            **{"scene_id": f"scene000{number % 4}_00", "question_id": f"val-scene000{number % 4}-{number}"},
            **{"question": f"What {ask(number)[6:]}?", "answers": [COLOURS[number % 5], f"dark {COLOURS[number % 5]}"]},
            **{"object_ids": [number], "object_names": ["square"]},
        }
        for number in range(20)
    ]
    write_json(folder / "ScanQA_v1.0_val.json", rows)


def sqa3d(folder: Path, hub: bool) -> None:
    words = ("What", "Is", "How", "Can", "Which", "Where")
    questions, annotations = [], []
    for number in range(20):
        key = {"scene_id": f"scene000{number % 4}_00", "question_id": 220602000000 + number}
        text = f"{words[number % 6]} {ask(number)[6:]}?"
        questions.append({**key, "situation": "I stand by the square.", "alternative_situation": [], "question": text})
        answer = {"answer": COLOURS[number % 5], "answer_confidence": "yes", "answer_id": 1}
        annotations.append({**key, "answers": [answer], "rotation": {}, "position": {}, "question_type": "N/A"})
    write_json(folder / "v1_balanced_questions_test_scannetv2.json", {"info": {}, "questions": questions})
    write_json(folder / "v1_balanced_sqa_annotations_test_scannetv2.json", {"info": {}, "annotations": annotations})


def mlvu(folder: Path, hub: bool) -> None:
    files = ("1_plotQA", "2_needle", "3_ego", "4_count", "5_order", "6_anomaly_reco", "7_topic_reasoning")
    hub_rows: Rows = []
    for kind, name in zip(MLVU, files, strict=True):
        rows = []
        for number in range(3):
            facts = {
                "video": f"{NAMES[number]}.mp4",
                "duration": 6.0,
                "question": f"{ask(number)}?",
                "candidates": options(number),
            }
            rows.append({**facts, "answer": options(number)[number], "question_type": kind})
            text = "\n".join([f"{ask(number)}?", *lines(number, form="({letter}) {text}")])
            hub_kind = "needle" if kind == "findNeedle" else kind
            hub_rows.append(
                {"video_name": f"{NAMES[number]}.mp4", "question": text, "answer": LETTERS[number], "task_type": hub_kind}
            )
        if not hub:
            write_json(folder / f"{name}.json", rows)
    if hub:
        write_parquet(folder / "data" / "test-00000-of-00001.parquet", hub_rows)


def ovo_bench(folder: Path, hub: bool) -> None:
    def row(number: int, task: str) -> dict[str, Any]:
        shared = {"id": number, "task": task, "video": f"{NAMES[number % 4]}.mp4"}
        if task in ("REC", "SSR", "CRR"):
            times = [2.0, 3.0, 4.5]
            if task == "REC":
                found = [{"realtime": time, "count": at} for at, time in enumerate(times)]
                return {**shared, "activity": "jump", "question": "", "test_info": found}
            found = [
                {"realtime": time, "type": at % 2, **({"step": f"step {at}"} if task == "SSR" else {})}
                for at, time in enumerate(times)
            ]
            return {**shared, "question": f"{ask(number)}?", "ask_time": 1.0, "clue_time": 3.0, "test_info": found}
        facts = {"realtime": 3.0 + number % 3, "question": f"{ask(number)}?", "options": options(number), "gt": number % 4}
        return {**shared, **facts, "answer": options(number)[number % 4]}

    backward, realtime, forward = ("EPM", "ASI", "HLD"), ("OCR", "ACR", "ATR", "STU", "FPD", "OJR"), ("REC", "SSR", "CRR")
    tasks = (*backward, *realtime, *forward, *backward, *realtime)
    rows = [row(number, task) for number, task in enumerate(tasks)]
    if not hub:
        write_json(folder / "ovo_bench_new.json", rows)
        return
    for part, own in (("backward", backward), ("realtime", realtime), ("forward", forward)):
        write_parquet(folder / part / "test-00000-of-00001.parquet", [found for found in rows if found["task"] in own])


def streamingbench(folder: Path, hub: bool) -> None:
    def clip(part: str, number: int, question: dict[str, Any]) -> dict[str, Any]:
        path = f"./videos/sample_{1 + number % 2}_{part}.mp4"
        return {"time": "[0:00:00 - 0:00:05]", "questions": [question], "video_categories": "made", "video_path": path}

    def choice(number: int, kind: str) -> dict[str, Any]:
        facts = {"question": f"{ask(number)} just now?", "time_stamp": f"00:00:0{2 + number % 4}", "answer": LETTERS[number % 4]}
        return {"task_type": kind, **facts, "options": lines(number), "required_ability": "working memory"}

    real = [clip("real", number, choice(number, "Object Recognition")) for number in range(8)]
    omni = [clip("omni", number, choice(number, "Emotion Recognition")) for number in range(5)]
    sqa = [[clip("sqa", 0, choice(number, "Sequential Question Answering")) for number in range(5)]]
    proactive = [
        clip(
            "proactive",
            number,
            {
                **{"task_type": "Proactive Output", "question": 'When the square is red, output "red".', "time_stamp": "0:00:01"},
                **{"ground_truth_time_stamp": "00:00:03", "ground_truth_output": "red", "required_ability": "working memory"},
            },
        )
        for number in range(2)
    ]
    for part, content in (("real", real), ("omni", omni), ("sqa", sqa), ("proactive", proactive)):
        write_json(folder / f"questions_{part}.json", content)


Writer = Callable[[Path, bool], None]
_ALL: Sequence[Writer] = (
    *(perceptiontest, nextqa, activitynetqa, videomme, tempcompass, tomato, cvrr_es, mvbench, longvideobench, lvbench),
    *(video_tt, video_mmmu, scanqa, sqa3d, mlvu, ovo_bench, streamingbench),
)
WRITERS: dict[str, Writer] = {writer.__name__: writer for writer in _ALL}
