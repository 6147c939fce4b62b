"""The arena's methods and budgets become samplings and cells of the study."""

import json

import pytest

from framethrift.config import Study, StudyError, Workflow, load_study
from framethrift.config.reduction import Reduction
from framethrift.config.rows import frame_selectors, key_frames_only, token_efficiency, token_reducers

ARENA = {
    "variants": ["rgb"],
    "sampling": "rgb_4k",
    "methods": ["uniform", "fastv"],
    "options": {"fastv": {"layer": 1}},
    "budgets": [10, 50],
    "benchmarks": ["mini_motion"],
}


def mini(**changes: object) -> Study:
    return load_study("mini", [f"arena={json.dumps(ARENA | changes)}"])


def test_every_method_at_every_budget_is_a_sampling_with_cells() -> None:
    study = mini()
    names = ["uniform_10", "fastv_10", "uniform_50", "fastv_50"]
    found = {name: study.samplings[name] for name in names}
    assert found["fastv_10"] == study.samplings["rgb_4k"].model_copy(
        update={"reducer": Reduction(name="fastv", share=0.1, options={"layer": 1})}
    )
    assert [row for row in study.evaluations() if row not in load_study("mini").evaluations()] == [
        ("rgb", name) for name in ["rgb_4k", *names]
    ]
    # What was dumped is read again as the same study: nothing is entered twice.
    assert Study.model_validate(study.model_dump(mode="json")) == study


def test_the_arena_has_a_table_of_its_own() -> None:
    study = mini()
    assert token_reducers(study) == [
        ("rgb", "rgb_4k"), ("cope", "cope_1k"),
        ("rgb", "uniform_50"), ("rgb", "fastv_50"), ("rgb", "uniform_10"), ("rgb", "fastv_10"),
    ]  # fmt: skip
    assert token_reducers(load_study("mini")) == []
    for rows in (token_efficiency, key_frames_only, frame_selectors):
        assert not {sampling for _, sampling in rows(study)} & {"uniform_50", "fastv_10"}


def test_one_job_makes_the_cells_of_a_budget_unless_they_are_sharded() -> None:
    words = [f"arena={json.dumps(ARENA)}"]
    whole, sharded = Workflow("mini", words), Workflow("mini", words, shards=4)
    assert whole.entries(10) == ["uniform_10", "fastv_10"] and sharded.methods == []
    assert whole.cells() == sharded.cells()
    assert whole.digest("arena", "rgb", "10") != whole.digest("arena", "rgb", "50")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sampling": "rgb_9k"}, ("arena.sampling", "rgb_9k", "rgb_4k")),
        ({"sampling": "blind"}, ("arena.sampling", "shows no tokens to reduce")),
        ({"variants": ["nobody"]}, ("cells", "nobody")),
        ({"budgets": [0, 50]}, ("arena.budgets", "whole % above 0")),
        ({"options": {"dycoke": {}}}, ("arena.options", "dycoke", "not among the methods")),
        ({"methods": ["../uniform"]}, ("arena.methods", "../uniform", "pattern")),
    ],
)
def test_an_impossible_arena_is_named(changes: dict[str, object], words: tuple[str, ...]) -> None:
    with pytest.raises(StudyError) as error:
        mini(**changes)
    assert all(word in str(error.value) for word in words), str(error.value)


def test_chosen_frames_between_delta_tokens_are_not_reduced() -> None:
    words = ["samplings.between={kind: select, frames: 4, rest: delta}", f"arena={json.dumps(ARENA | {'sampling': 'between'})}"]
    with pytest.raises(StudyError, match=r"arena\.sampling: 'between' \(rest: delta\) is not reduced"):
        load_study("mini", words)


def test_a_name_that_the_study_uses_otherwise_is_refused() -> None:
    with pytest.raises(StudyError, match=r"samplings\.uniform_50: the arena makes another sampling"):
        load_study("mini", [f"arena={json.dumps(ARENA)}", "samplings.uniform_50={kind: select, frames: 50}"])
