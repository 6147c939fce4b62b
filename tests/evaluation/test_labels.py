"""Labels of questions from controls: their rule, and the file beside the cells."""

import json
from itertools import product
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from framethrift.config import Layout
from framethrift.config.controls import Controls, controls_of
from framethrift.config.sampling import Blind, Select
from framethrift.evaluation.cells import write_rows
from framethrift.evaluation.labels import label, write_labels
from framethrift.evaluation.rescoring import NotEvaluated


class Ordered(Select):
    """A sampling that says in which order its frames are shown."""

    order: str = "time"


def _study(*pairs: tuple[str, str], seeds: tuple[int, ...] = (0, 1)) -> Any:
    samplings = {"plain": Ordered(), "mixed": Ordered(order="shuffled"), "few": Ordered(frames=4), "blind": Blind()}
    variants = {"ours": SimpleNamespace(kind="videolm"), "reader": SimpleNamespace(kind="baseline", family="text")}
    wanted = pairs or (("ours", "plain"), ("ours", "mixed"), ("ours", "few"), ("ours", "blind"), ("reader", "blind"))
    return SimpleNamespace(
        name="s",
        seeds=list(seeds),
        samplings=samplings,
        variants=variants,
        evaluations=lambda: {pair: ["nextqa", "activitynetqa"] for pair in wanted},
    )


@pytest.mark.parametrize(
    ("blind", "shuffled", "normal", "expected"),
    [
        ([1, 1], [0, 0], [0, 0], "without video"),
        ([1, 0], [1, 1], [1, 1], "without order"),
        ([0, 0], [1, 0], [1, 1], "needs order"),
        ([0, 0], [0, 0], [1, 1], "needs order"),
        ([0, 0], [1, 1], [1, 0], "other"),
        ([0, 1], [0, 0], [0, 0], "other"),
    ],
)
def test_the_rule(blind: list[float], shuffled: list[float], normal: list[float], expected: str) -> None:
    assert label(blind, shuffled, normal) == expected


def test_every_control_needs_a_run() -> None:
    for missing in range(3):
        with pytest.raises(ValueError, match="at least one run"):
            label(*([] if place == missing else [1] for place in range(3)))


def test_controls_are_found_by_their_settings() -> None:
    found = controls_of(_study(), "ours")
    assert found == {"nextqa": Controls((("ours", "blind"), ("reader", "blind")), (("ours", "mixed"),), (("ours", "plain"),))}
    assert controls_of(_study(), "reader") == {}
    assert controls_of(_study(("ours", "mixed"), ("ours", "few"), ("ours", "blind")), "ours") == {}
    assert controls_of(_study(("ours", "mixed"), ("ours", "plain"), ("reader", "blind")), "ours") == {}


def test_labels_are_written_beside_the_cells(tmp_path: Path) -> None:
    study, layout = _study(), Layout(tmp_path / "results" / "s")
    # Every combination of three scores, once per question; the second seed repeats the first but for the last question.
    scores = {f"q{number}": triple for number, triple in enumerate(product((0, 1), repeat=3))}
    for place, pairs in enumerate(((("ours", "blind"), ("reader", "blind")), (("ours", "mixed"),), (("ours", "plain"),))):
        for pair, seed in product(pairs, study.seeds):
            rows = [
                {"question_id": name, "score": 0 if (name, seed) == ("q7", 1) else triple[place], "options": ["a", "b", "c", "d"]}
                for name, triple in scores.items()
            ]
            write_rows(layout.cell(*pair, seed) / "nextqa.jsonl", rows)
    write_labels(study, layout, "ours")
    content = json.loads(layout.labels("ours").read_text())["nextqa"]
    expected = {"q0": "other", "q1": "needs order", "q2": "other", "q3": "without order", "q7": "other"}
    assert content["questions"] == expected | dict.fromkeys(("q4", "q5", "q6"), "without video")
    assert content["counts"] == {"without video": 3, "without order": 1, "needs order": 1, "other": 3}
    assert content["runs"] == {"blind": 4, "shuffled": 2, "normal": 2}
    assert content["lucky"] == pytest.approx(8 * 0.25**4)
    with pytest.raises(KeyError, match="'reader' is not asked blind, shuffled and in order"):
        write_labels(study, layout, "reader")
    (layout.cell("ours", "mixed", 1) / "nextqa.jsonl").unlink()
    with pytest.raises(NotEvaluated, match="mixed"):
        write_labels(study, layout, "ours")
