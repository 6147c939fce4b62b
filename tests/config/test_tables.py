"""The papers' tables as targets: each needs its own cells and no others."""

import pytest

from framethrift.config import StudyError, Workflow
from framethrift.config.ledgers import load_ledgers
from framethrift.config.tables import TARGETS, table_rows

SMALL = Workflow("small", [])


def files(name: str) -> set[str]:
    """What a table of the small study needs, without seeds."""
    return {path.split("/cells/")[1].rsplit("/seed", 1)[0] for path in SMALL.table(name)}


def test_a_table_needs_its_own_cells_for_every_seed() -> None:
    densities = ("cope_1k", "cope_2k")
    counts = ("cope", "cope_n2", "cope_n4", "cope_n16")
    assert files("table_h1") == {f"{variant}/{sampling}" for variant in counts for sampling in densities}
    assert files("table_h2") == {f"{variant}/{sampling}" for variant in ("cope", "cope_unaligned") for sampling in densities}
    assert files("table_h3") == {f"cope/cope_{name}" for name in ("1k", "zero", "swap", "motion", "residual", "gop_mean")}
    assert files("table_h4") == {
        "rgb/rgb_1k",
        "cope/rgb_1k",
        "cope/cope_1k",
        "rgb/rgb_2k",
        "cope/rgb_2k",
        "cope/cope_2k",
    }
    assert files("table_h5") == {f"cope/cope_{name}" for name in ("1k_s8", "1k", "1k_s2", "2k", "4k_s2")}
    assert not any(row == "rgb/uniform_5" for row in files("table_1"))  # reducers compete in the arena
    assert len(SMALL.table("table_h1")) == 8 * len(SMALL.study.seeds)


def test_ablated_samplers_stand_in_their_own_table() -> None:
    selectors, trained = files("msjoe_table_1"), files("msjoe_table_2")
    assert {
        f"mllm/{name}_{frames}" for name in ("uniform", "top_k", "aks", "bolt", "q_frame") for frames in (2, 4, 8)
    } <= selectors
    assert {f"{name}/msjoe_{frames}" for name in ("sampler", "msjoe") for frames in (2, 4, 8)} <= selectors
    assert {"tspo/tspo_2", "tspo/tspo_4", "tspo/tspo_8", "sampler_cope/msjoe_cope", "mllm_cope/uniform_cope_4"} <= selectors
    assert not {"tspo/tspo_4", "sampler_cope/msjoe_cope"} & trained
    assert not {"sampler_printed/msjoe_4", "mllm_alone/msjoe_4"} & selectors
    assert {"sampler/msjoe_4", "sampler_printed/msjoe_4", "mllm_alone/msjoe_4"} <= trained and "mllm/uniform_4" not in trained


def test_rows_that_a_paper_prints_are_found_by_name() -> None:
    paper = Workflow("paper", [])
    assert ("cope", "cope_4k") in table_rows(paper.study, "table_3a")
    assert ("llava", "uniform_64") in table_rows(paper.study, "table_3a")


def test_the_paper_study_has_every_cell_that_cope_prints() -> None:
    study = Workflow("paper", []).study
    asked = study.evaluations()
    (ledger,) = (ledger for ledger in load_ledgers() if ledger.paper == "CoPE-VideoLM")
    lacking = [
        (table.name, row.variant, row.sampling, column.benchmark)
        for table in ledger.tables
        if table.name not in ("figure_4", "table_g1")  # timed; on another model
        for row in table.rows
        if row.variant and row.sampling
        for column in table.columns
        if column.benchmark and column.benchmark not in asked.get((row.variant, row.sampling), [])
    ]
    assert not lacking
    # What is shown of the scans, or at other rates, stands in no table of the plain model.
    assert table_rows(study, "table_h5") == [("cope", f"cope_{name}") for name in ("4k", "1fps", "2fps", "3fps")]
    assert not {"cope_6k_3d", "cope_2fps"} & {sampling for _, sampling in table_rows(study, "table_1")}


def test_costs_and_retrieval_have_files_of_their_own() -> None:
    assert SMALL.table("figure_4") == SMALL.latencies() != []
    assert SMALL.table("table_h6") == SMALL.retrievals() != []


@pytest.mark.parametrize("name", ["table_2", "table_f1"])
def test_a_table_that_a_study_has_nothing_for_says_so(name: str) -> None:
    with pytest.raises(StudyError, match=f"study small has no cells for {name}"):
        SMALL.table(name)


def test_every_printed_table_is_a_target() -> None:
    assert {table.name for ledger in load_ledgers() for table in ledger.tables} <= set(TARGETS)
