"""Best, second and third: marked where the data separate rows, in every format, and nowhere else."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from framethrift.reporting import ranks as module
from framethrift.reporting.entries import accuracy_entry
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.ranks import ranks
from framethrift.reporting.render_table import table_html, table_tex
from framethrift.reporting.results import Cell, CellKey
from framethrift.reporting.table import Column, Table, words

QUESTIONS, VIDEOS = 400, 100


def cell(name: str, share: float, seed: int = 0) -> Cell:
    """Answers to the same questions, right with probability `share`."""
    rng = np.random.default_rng([seed, *name.encode()])
    rows = pd.DataFrame(
        {
            "question_id": [f"q{number:04d}" for number in range(QUESTIONS)],
            "cluster": [f"v{number % VIDEOS}" for number in range(QUESTIONS)],
            **{"part": "", "type": "", "options": [["a", "b"]] * QUESTIONS, "parsed": "a", "visual_tokens": 1},
            "score": (rng.random(QUESTIONS) < share).astype(int),
        }
    )
    return Cell(CellKey(name, "s", "mini_motion"), 500, rows, {0: Path("x.jsonl")})


@pytest.mark.parametrize(
    ("shares", "expected"),
    [
        ((0.5, 0.9, 0.7, 0.3), ["third", "best", "second", ""]),
        ((0.9, 0.9, 0.7, 0.5), ["", "", "third", ""]),  # who is best is open, that two are above the third is not
        ((0.9, 0.7, 0.7, 0.7), ["best", "", "", ""]),
        ((0.7, 0.7, 0.7), ["", "", ""]),
        ((0.9, 0.5), ["best", ""]),  # the last of all is no second
        ((0.9,), [""]),
        ((), []),
    ],
)
def test_a_place_is_marked_where_both_sides_of_it_are_separated(shares: tuple[float, ...], expected: list[str]) -> None:
    assert ranks([cell(f"c{number}", share) for number, share in enumerate(shares)]) == expected


def test_missing_cells_and_cells_on_other_questions_have_no_place() -> None:
    gone, other = cell("gone", 0.9), cell("other", 0.8)
    gone.missing = "not run"
    other.rows["question_id"] = "x" + other.rows["question_id"]
    assert ranks([None, gone, cell("a", 0.9), cell("b", 0.5)]) == ["", "", "best", ""]
    assert ranks([other, cell("a", 0.9), cell("b", 0.5)]) == ["", "", ""]


def test_equal_systems_are_seldom_told_apart() -> None:
    marked = sum(any(ranks([cell(f"c{number}", 0.6, seed) for number in range(5)])) for seed in range(30))
    assert marked <= 2  # 5 % of 30 is 1.5


def test_hopeless_comparisons_are_counted_but_not_made(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    above = module._above
    monkeypatch.setattr(module, "_above", lambda *given: asked.append(given[2:]) or above(*given))
    families = []
    monkeypatch.setattr(module, "holm", lambda values: families.append(len(values)) or values)
    ranks([cell(f"c{number}", 0.7) for number in range(30)])
    assert families == [29 + 28 + 27] and len(asked) <= 3 + 29
    asked.clear()
    ranks([cell(f"c{number}", share) for number, share in enumerate((0.95, 0.8, 0.6, 0.4, 0.2))])
    assert len(asked) == len(set(asked)) == 4 + 3 + 2  # every comparison with one of the first three, each made once


def test_marks_stand_in_every_format() -> None:
    cells = [cell("a", 0.9), cell("b", 0.7), cell("c", 0.5), cell("d", 0.3)]
    table = Table("t", "T", "C", [Column("model", "Model", numeric=False), Column("accuracy", "Accuracy (%)")])
    table.rows = [
        {"model": words(own.key.variant), "accuracy": accuracy_entry(own, mark=mark)}
        for own, mark in zip(cells, ranks(cells), strict=True)
    ]
    assert [line.split(",")[4] for line in table.csv(str).splitlines()] == ["accuracy_rank", "1", "2", "3", ""]
    tex, texts = table_tex(table), [row["accuracy"].text for row in table.rows]
    for command, text in zip((r"\textbf", r"\underline", r"\textit"), texts, strict=False):
        assert f"{command}{{{text}}}" in tex
    assert f"{{{texts[3]}}}" not in tex
    html = table_html(table, ReportFolder(Path("/nowhere")), "index.html")
    assert [html.count(f'class="num {mark}"') for mark in ("best", "second", "third")] == [1, 1, 1]
