"""The ledger's data: strict, complete, and naming what exists."""

from pathlib import Path

import pytest

from framethrift.config import load_study
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.ledgers import LedgerError, load_choices, load_ledgers

LEDGER = """
paper: P
title: T
reference: R
claims:
  - id: p.one
    location: Table 1
    statement: A is better than B.
    kind: comparison
    test: {test}
    needs: [{{variant: a, sampling: s, benchmark: b}}{more}]
"""


def write(folder: Path, name: str, text: str) -> Path:
    (folder / name).write_text(text)
    return folder


def test_the_ledgers_load_and_cover_the_printed_tables() -> None:
    ledgers = {ledger.paper: ledger for ledger in load_ledgers()}
    assert set(ledgers) == {"CoPE-VideoLM", "MSJoE"}
    printed = {table.name: len(table.claims()) for ledger in ledgers.values() for table in ledger.tables}
    # Counted in the papers: every number of every table, however often it is printed.
    assert printed == {
        "table_1": 42,
        "table_2": 53,
        "table_3a": 38,
        "table_3b": 32,
        "table_e1": 24,
        "table_f1": 97,
        "table_g1": 18,
        "table_h1": 8,
        "table_h2": 4,
        "table_h3": 4,
        "table_h4": 30,
        "table_h5": 18,
        "table_h6": 6,
        "figure_4": 8,
        "msjoe_table_1": 26,
    }


def test_every_benchmark_of_the_ledgers_is_registered() -> None:
    named = {need.benchmark for ledger in load_ledgers() for claim in ledger.claims for need in claim.needs if need.benchmark}
    assert named - set(load_benchmarks()) == set()


def test_every_choice_says_what_and_why() -> None:
    choices = load_choices()
    assert len(choices) > 20
    assert all(choice.says and choice.we and choice.why for choice in choices)


def test_a_wrong_number_of_needs_names_the_claim(tmp_path: Path) -> None:
    write(tmp_path, "p.yaml", LEDGER.format(test="{kind: greater}", more=""))
    with pytest.raises(LedgerError, match=r"p\.one.*compares 2 cell\(s\), found 1"):
        load_ledgers(tmp_path)


def test_an_unknown_key_and_an_unknown_test_are_errors(tmp_path: Path) -> None:
    write(tmp_path, "p.yaml", LEDGER.format(test="{kind: greater, margins: 1}", more=", {variant: c, sampling: s, benchmark: b}"))
    with pytest.raises(LedgerError, match=r"p\.one.*margins"):
        load_ledgers(tmp_path)
    write(tmp_path, "p.yaml", LEDGER.format(test="{kind: better}", more=""))
    with pytest.raises(LedgerError, match=r"p\.one.*better"):
        load_ledgers(tmp_path)


def test_two_claims_cannot_share_an_id(tmp_path: Path) -> None:
    text = LEDGER.format(test="{kind: greater}", more=", {variant: c, sampling: s, benchmark: b}")
    write(tmp_path, "p.yaml", text)
    write(tmp_path, "q.yaml", text)
    with pytest.raises(LedgerError, match=r"q\.yaml: claim id 'p\.one' is already used in .*p\.yaml"):
        load_ledgers(tmp_path)


TABLE = """
name: t
paper: P
id: p.t
location: Table T
title: T
tolerance: 1
columns: [{{name: b, head: B, benchmark: b}}, {{name: c, head: C, measure: given}}]
rows: [{row}]
"""


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("{label: L, variant: a, sampling: s, values: [1]}", "1 values for 2 columns"),
        ("{label: L, values: [1, 2]}", "either variant and sampling"),
        ("{label: L, variant: a, values: [1, 2]}", "either variant and sampling"),
        ("{label: L, variant: a, sampling: s, quoted: why, values: [1, 2]}", "either variant and sampling"),
    ],
)
def test_a_printed_row_fills_its_columns_and_says_whose_it_is(tmp_path: Path, row: str, message: str) -> None:
    write(tmp_path, "p.yaml", LEDGER.format(test="{kind: greater}", more=", {variant: c, sampling: s, benchmark: b}"))
    (tmp_path / "tables").mkdir()
    write(tmp_path / "tables", "t.yaml", TABLE.format(row=row))
    with pytest.raises(LedgerError, match=rf"t\.yaml: 1 invalid field.*(\n.*)*{message}"):
        load_ledgers(tmp_path)


def test_a_printed_table_belongs_to_a_ledger(tmp_path: Path) -> None:
    write(tmp_path, "p.yaml", LEDGER.format(test="{kind: greater}", more=", {variant: c, sampling: s, benchmark: b}"))
    (tmp_path / "tables").mkdir()
    row = "{label: L, quoted: why, values: [1, null]}"
    write(tmp_path / "tables", "t.yaml", TABLE.format(row=row))
    (table,) = load_ledgers(tmp_path)[0].tables
    assert [(claim.id, claim.test.kind) for claim in table.claims()] == [("p.t.1.b", "untestable")]
    write(tmp_path / "tables", "t.yaml", TABLE.format(row=row).replace("paper: P", "paper: Q"))
    with pytest.raises(LedgerError, match=r"t\.yaml: paper 'Q' has no ledger; known: \['P'\]"):
        load_ledgers(tmp_path)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        load_ledgers(tmp_path)
    write(tmp_path, "p.yaml", "paper: [")
    with pytest.raises(LedgerError, match=r"p\.yaml: not valid YAML"):
        load_ledgers(tmp_path)
    with pytest.raises(LedgerError, match=r"choices\.yaml does not exist"):
        load_choices(tmp_path)


def test_small_has_the_cells_of_every_miniature_claim() -> None:
    study = load_study("small")
    asked, timed = study.evaluations(), {(block.variant, name) for block in study.latency for name in block.samplings}
    claims = [claim for ledger in load_ledgers() for claim in ledger.claims if claim.scale == "miniature"]
    for claim in claims:
        for need in claim.needs:
            assert need.variant in study.variants, claim.id
            if need.benchmark:
                assert need.benchmark in asked.get((need.variant, need.sampling or ""), []), f"{claim.id}: {need}"
            elif need.sampling:
                assert (need.variant, need.sampling) in timed, f"{claim.id}: {need}"
    told = " ".join(claim.location for claim in claims)
    for table in ("Table 1", "Table G.1", *(f"Table H.{number}" for number in range(1, 7)), "Fig. 4a"):
        assert table in told, f"no claim of {table} is tested in miniature"
