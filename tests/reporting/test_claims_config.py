"""The ledger's data: strict, complete, and naming what exists."""

from pathlib import Path

import pytest

from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.claims import LedgerError, load_choices, load_ledgers

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
    printed = {table.location: len(table.claims()) for table in ledgers["CoPE-VideoLM"].tables}
    assert printed["Table 1"] == 21
    assert printed["Table H.1"] == 8
    # Table H.4's rows with P-frames repeat Table 1; each number stands once.
    assert printed["Table H.4"] == 20
    assert len(ledgers["MSJoE"].tables[0].claims()) == 23


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


def test_a_printed_row_must_fill_its_columns(tmp_path: Path) -> None:
    table = (
        "\ntables:\n  - {id: t, location: T, benchmarks: [b, c], tolerance: 1, rows: [{variant: a, sampling: s, values: [1]}]}\n"
    )
    text = LEDGER.format(test="{kind: greater}", more=", {variant: c, sampling: s, benchmark: b}") + table
    write(tmp_path, "p.yaml", text)
    with pytest.raises(LedgerError, match="1 values for 2 benchmarks"):
        load_ledgers(tmp_path)


def test_a_missing_or_broken_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="no ledger"):
        load_ledgers(tmp_path)
    write(tmp_path, "p.yaml", "paper: [")
    with pytest.raises(LedgerError, match=r"p\.yaml: not valid YAML"):
        load_ledgers(tmp_path)
    with pytest.raises(LedgerError, match=r"choices\.yaml does not exist"):
        load_choices(tmp_path)
