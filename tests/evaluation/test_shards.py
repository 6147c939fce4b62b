"""Shards, kills and changed files: whatever happens to a run, its answers are those of an undisturbed one."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from framethrift.config import Layout
from framethrift.evaluation import journal
from framethrift.evaluation.answering import Answer
from framethrift.evaluation.blocks import VIDEOS, blocks, dealt
from framethrift.evaluation.cells import read_rows
from framethrift.evaluation.evaluate import answer_cells, evaluate_cells
from framethrift.evaluation.journal import Journal, Record, read_journal
from framethrift.evaluation.keys import VideoChanged
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shards import ShardsMissing
from framethrift.evaluation.shown import Ask
from framethrift.models.folder import write_manifest
from framethrift.tracking.spool import SYNC_INTERVAL

VARIANT, SAMPLING = "cope", "cope"


@pytest.fixture
def study(tiny, tmp_path: Path):  # type: ignore[no-untyped-def]
    """(study, layout) of a copy that a test may write to and damage."""
    target = tmp_path / "results" / "tiny"
    shutil.copytree(tiny[1].root, target)
    return tiny[0], Layout(target)


@pytest.fixture(scope="module")
def undisturbed(tiny, tmp_path_factory):  # type: ignore[no-untyped-def]
    """Rows of a cell evaluated by one job in one go."""
    target = tmp_path_factory.mktemp("undisturbed") / "results" / "tiny"
    shutil.copytree(tiny[1].root, target)
    evaluate_cells(tiny[0], Layout(target), VARIANT, SAMPLING, [0])
    return _tables(Layout(target))


def _tables(layout: Layout):  # type: ignore[no-untyped-def]
    """Everything a table is made of: rows and figures, without times."""
    folder = layout.cell(VARIANT, SAMPLING, 0)
    cells = json.loads((folder / "cells.json").read_text(encoding="utf-8"))
    figures = {name: {k: v for k, v in found.items() if k != "seconds"} for name, found in cells["benchmarks"].items()}
    rows = {
        name: [{k: v for k, v in row.items() if k != "seconds"} for row in read_rows(folder / f"{name}.jsonl")]
        for name in figures
    }
    return figures, rows, cells["digests"]


@pytest.mark.parametrize("shards", [3, 7])
def test_merged_shards_are_the_unsharded_run(study, undisturbed, shards: int) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    for shard in reversed(range(shards)):
        answer_cells(settings, layout, VARIANT, SAMPLING, 0, shard, shards)
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0], shards)
    assert _tables(layout) == undisturbed


def test_a_cell_is_not_scored_before_its_shards_are_there(study) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    answer_cells(settings, layout, VARIANT, SAMPLING, 0, 0, 2)
    with pytest.raises(ShardsMissing, match=r"1-of-2\.json is missing"):
        evaluate_cells(settings, layout, VARIANT, SAMPLING, [0], 2)
    assert not (layout.cell(VARIANT, SAMPLING, 0) / "cells.json").exists()
    with pytest.raises(ValueError, match="allowed: 0 to 1"):
        answer_cells(settings, layout, VARIANT, SAMPLING, 0, 2, 2)


def _ask(number: int) -> Ask:
    return Ask(EncodedVideo(f"v{number:03}", "d", Path("v.mp4"), 1.0, 1, 1, (0,), ""), "?")


def test_blocks_hold_whole_videos_and_shards_whole_blocks() -> None:
    asks = [_ask(number % 20) for number in range(70)]
    found = blocks(asks, lambda ask: 500)
    assert sorted(index for block in found for index in block) == list(range(70))
    homes = [{number for number, block in enumerate(found) for i in block if asks[i].video == ask.video} for ask in asks]
    assert all(len(home) == 1 for home in homes)
    assert max(len({asks[i].video for i in block}) for block in found) == VIDEOS
    assert [len({asks[i].video for i in block}) for block in blocks(asks, lambda ask: 5000)] == [1] * 20
    for shards in (1, 3, 7, 30):
        dealt_out = dealt(found, shards)
        assert sorted(index for mine in dealt_out for block in mine for index in block) == list(range(70))
    sizes = [sum(map(len, mine)) for mine in dealt(blocks(asks, lambda ask: 5000), 7)]
    assert max(sizes) - min(sizes) <= 4


RUN = """
import sys
from pathlib import Path
from framethrift.config import Layout, Study
from framethrift.evaluation import shards
from framethrift.evaluation.evaluate import answer_cells
from framethrift.evaluation.blocks import blocks
sys.path.insert(0, sys.argv[2])
import tiny_study
import time
append = shards.Journal.append
def slow(self, block, stages):
    append(self, block, stages)
    print("block", flush=True)
    time.sleep(0.15)
shards.Journal.append = slow
shards.blocks = lambda asks, cost: blocks(asks, lambda ask: 5000)
answer_cells(Study.model_validate(tiny_study.SETTINGS), Layout(sys.argv[1]), "cope", "cope", 0, 0, 1)
"""


def test_killed_three_times_at_random_the_answers_are_the_same(study, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    # One block per video, so that there is something to be killed between.
    monkeypatch.setattr("framethrift.evaluation.shards.blocks", lambda asks, cost: blocks(asks, lambda ask: 5000))
    other = Layout(layout.root.parent / "other")
    shutil.copytree(layout.root, other.root)
    evaluate_cells(settings, other, VARIANT, SAMPLING, [0])
    journal = layout.answers(VARIANT, SAMPLING, 0) / "0-of-1.jsonl"
    rng = random.Random(3)
    sizes = []
    for kill in range(3):
        command = [sys.executable, "-c", RUN, str(layout.root), str(Path(__file__).parent)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"block\n"
            time.sleep(rng.uniform(0, 0.12))
            os.kill(process.pid, signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        sizes.append(len(read_journal(journal).records))
        if kill == 1:  # the moment of a kill may well be in the middle of a line
            journal.write_bytes(journal.read_bytes()[:-37])
    assert sizes[0] > 0 and sizes[-1] > sizes[0]
    assert not journal.with_suffix(".json").exists()
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    assert _tables(layout) == _tables(other)


def test_every_block_is_with_the_kernel_at_once_and_on_the_disk_within_seconds(tmp_path: Path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    path, seconds = tmp_path / "0-of-1.jsonl", 0.0
    synced: list[float] = []
    monkeypatch.setattr(journal.os, "fsync", lambda file: synced.append(seconds))
    monkeypatch.setattr(journal.time, "monotonic", lambda: seconds)
    records = [Record("b", f"q{number}", f"key{number}", Answer("A", "p", [], 0, [], "", 0.5)) for number in range(6)]
    with Journal(path, records[:1], {}) as opened:
        for number in range(1, 6):
            seconds = float(number)
            opened.append(records[number : number + 1], {"answer": 1.0})
            read = read_journal(path)
            assert list(read.records.values()) == records[: number + 1]
            assert read.seconds == {"answer": float(number)}
    assert synced == [0, SYNC_INTERVAL, 2 * SYNC_INTERVAL, 5]


def test_a_torn_line_is_dropped_and_said_and_answers_are_used_again(study, undisturbed, capfd, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    journal = layout.answers(VARIANT, SAMPLING, 0) / "0-of-1.jsonl"
    whole = journal.read_bytes()
    journal.write_bytes(whole[:-9])
    capfd.readouterr()
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    assert "the last line was cut off by a kill" in capfd.readouterr().err
    assert _tables(layout) == undisturbed
    from framethrift.evaluation.answering import Answerer

    monkeypatch.setattr(Answerer, "answer", lambda *args: pytest.fail("everything is answered already"))
    for shards in (1, 2):  # whatever the number of shards, answers on disk are found again
        for shard in range(shards):
            answer_cells(settings, layout, VARIANT, SAMPLING, 0, shard, shards)
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0], 2)
    assert _tables(layout) == undisturbed
    journal.write_bytes(b'{"half": \n' + whole)
    with pytest.raises(ValueError, match=r"0-of-1\.jsonl, line 1: not valid JSON"):
        evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])


def test_other_weights_at_the_same_path_give_new_answers(study, undisturbed) -> None:  # type: ignore[no-untyped-def]
    settings, layout = study
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    folder, other = layout.model("cope", 0), layout.model("joint", 0)
    shutil.copy(other / "model.safetensors", folder / "model.safetensors")
    write_manifest(folder, kind="videolm", variant="cope", seed=0, settings="test", extra=settings.serving("cope"))
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    _, rows, digests = _tables(layout)
    assert digests["model"] != undisturbed[2]["model"]
    before = [row["raw"] for row in undisturbed[1]["mini_motion"]]
    assert [row["raw"] for row in rows["mini_motion"]] != before


def test_another_video_at_the_same_path_gives_new_answers_or_is_refused(study, undisturbed, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    from framethrift.evaluation import evaluate

    settings, layout = study
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    load = evaluate.load_asked
    asked = load(settings, layout, "mini_motion")
    changed, giver = sorted(asked.videos)[:2]
    shutil.copy(asked.videos[giver].path, asked.videos[changed].path)
    with pytest.raises(VideoChanged, match="run the codec step again"):
        evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])

    def told(study, layout, benchmark):  # type: ignore[no-untyped-def]
        """The manifest that the codec step would now write."""
        found = load(study, layout, benchmark)
        facts = found.videos[giver]
        videos = {**found.videos, changed: replace(facts, video_id=changed, path=found.videos[changed].path)}
        return replace(found, videos=videos)

    monkeypatch.setattr(evaluate, "load_asked", told)
    evaluate_cells(settings, layout, VARIANT, SAMPLING, [0])
    rows = _tables(layout)[1]["mini_motion"]
    own = [index for index, row in enumerate(rows) if row["video_id"] == changed]
    before = undisturbed[1]["mini_motion"]
    assert [row for index, row in enumerate(rows) if index not in own] == [row for i, row in enumerate(before) if i not in own]
    stored = read_journal(layout.answers(VARIANT, SAMPLING, 0) / "0-of-1.jsonl").records
    again = {record.question_id for record in stored.values() if record.benchmark == "mini_motion"}
    assert len(again) == len(rows) == 20
