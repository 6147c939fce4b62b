"""Frames that an index file names, from the file to the answers of a cell."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from framethrift.config import Layout, Study
from framethrift.config.sampling import Replay
from framethrift.evaluation.ask import open_folder
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import evaluate_cells
from framethrift.evaluation.lmms_tasks import Prompted
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.opening import open_checkpoint
from framethrift.evaluation.posing import Posed, posed, require_told_apart
from framethrift.evaluation.questions import Asked, load_asked
from framethrift.evaluation.shown import Ask
from framethrift.files import file_digest
from framethrift.selectors import SelectionError


@pytest.fixture(scope="module")
def mllm(tiny):  # type: ignore[no-untyped-def]
    study, layout = tiny
    return load_variant(study, layout, "mllm", 0, "cpu"), load_asked(study, layout, "mini_needle")


def _written(file: Path, asked: Asked, index: list[int]) -> Replay:
    """A file whose rows name frames `index` of a source video of 10 frames a second, the n-th question's n frames later."""
    rows = [
        {"question_id": question.question_id, "index": [frame + number for frame in index], "fps": 10}
        for number, question in enumerate(asked.present)
    ]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return Replay(frames=3, indices=str(file))


def _posed(asked: Asked, sampling: Replay) -> list[Posed]:
    prompts = {question.question_id: Prompted(question.question, None, ()) for question in asked.present}
    return posed("mini_needle", asked, sampling, prompts)


def _asks(asked: Asked, sampling: Replay) -> list[Ask]:
    return [own.ask for own in _posed(asked, sampling)]


def test_every_question_is_shown_its_own_frames(mllm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = mllm
    sampling = _written(tmp_path / "theirs.jsonl", asked, [304, 55, 301, 120, 400])
    asks = _asks(asked, sampling)
    views = loaded.answerer(sampling).viewer(asks)
    for number, view in enumerate(views):
        # 30.4 s and 30.1 s are one candidate until the former is nearer to the next.
        expected = list(dict.fromkeys(-(-(frame + number - 5) // 10) for frame in (304, 55, 301, 120, 400)))[:3]
        assert [item.time for item in view.shown.items] == sorted(map(float, expected))
    assert [item.time for item in views[0].shown.items] == [5.0, 12.0, 30.0]
    assert len({view.shown.items for view in views}) > 1
    (mixed,) = loaded.answerer(sampling.model_copy(update={"rest": "delta"})).viewer(asks[:1])
    assert [item.time for item in mixed.shown.items if item.kind == "I"] == [5.0, 12.0, 30.0]


def test_frames_outside_the_span_are_passed_over_and_not_replaced(mllm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    loaded, asked = mllm
    sampling = _written(tmp_path / "theirs.jsonl", asked, [300, 50, 100, 150, 200])
    first = replace(_asks(asked, sampling)[0], span=(8.0, 21.0))
    viewer = loaded.answerer(sampling).viewer
    (view,) = viewer([first])
    assert [item.time for item in view.shown.items] == [10.0, 15.0, 20.0]
    said = rf"theirs.jsonl: question {first.question_id!r}: ranked: 2 seconds name 2 different candidate frames; 3 are wanted"
    with pytest.raises(SelectionError, match=said):
        viewer([replace(first, span=(8.0, 19.0))])
    (few,) = viewer([replace(first, span=(8.0, 10.0))])  # no more candidates than frames wanted: all, as for every selector
    assert [item.time for item in few.shown.items] == [8.0, 9.0, 10.0]


def test_a_question_without_a_line_is_named_before_anything_is_asked(mllm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    _, asked = mllm
    file = tmp_path / "theirs.jsonl"
    sampling = _written(file, asked, [0, 100, 200])
    lines = file.read_text().splitlines(keepends=True)
    file.write_text("".join(lines[:1] + lines[2:]))
    lacking, total = asked.present[1].question_id, len(asked.present)
    with pytest.raises(SelectionError, match=rf"theirs.jsonl: no line for question {lacking!r} of mini_needle \(1 of {total}"):
        _asks(asked, sampling)


def test_an_id_that_means_two_questions_is_refused(mllm, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    first, second, *_ = _posed(mllm[1], _written(tmp_path / "theirs.jsonl", mllm[1], [0, 100, 200]))
    require_told_apart([first, second, replace(first, benchmark="the same again")])
    name = first.question.question_id
    twin = replace(second, benchmark="other", question=replace(second.question, question_id=name))
    with pytest.raises(SelectionError, match=f"{name!r} is one question of mini_needle and another of other"):
        require_told_apart([first, twin])


def test_what_has_no_question_ids_refuses_it(tiny) -> None:  # type: ignore[no-untyped-def]
    folder = tiny[1].model("mllm", 0)
    with pytest.raises(ValueError, match="question id"):
        open_folder(folder, '{"kind": "replay", "indices": "theirs.jsonl"}', "cpu")
    with pytest.raises(ValueError, match="question id"):
        open_checkpoint(str(folder), {"sampling": "replay", "indices": "theirs.jsonl", "device": "cpu"})


def test_a_cell_keeps_the_files_digest_and_is_answered_anew_when_it_changes(mllm, tiny, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    target = tmp_path / "results" / "tiny"
    shutil.copytree(tiny[1].root, target)
    layout, file = Layout(target), tmp_path / "theirs.jsonl"
    settings = tiny[0].model_dump(mode="json")
    settings["samplings"]["theirs"] = _written(file, mllm[1], [0, 100, 200]).model_dump(mode="json")
    settings["cells"] = [{"variants": ["mllm"], "samplings": ["theirs"], "benchmarks": ["mini_needle"]}]
    study, folder = Study.model_validate(settings), layout.cell("mllm", "theirs", 0)
    shown = []
    for index in ([0, 100, 200], [10, 110, 210]):
        _written(file, mllm[1], index)
        evaluate_cells(study, layout, "mllm", "theirs", [0])
        cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))
        assert cells["digests"]["indices"] == file_digest(file)
        rows = {row["question_id"]: row for row in read_rows(folder / "mini_needle.jsonl")}
        shown.append([item["time"] for item in rows[mllm[1].present[0].question_id]["shown"]])
    assert shown == [[0.0, 10.0, 20.0], [1.0, 11.0, 21.0]]
