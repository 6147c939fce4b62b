"""Example conversations are refused where they cannot be held, by field and name."""

from pathlib import Path

import pytest

from framethrift.config import StudyError, Workflow, load_study
from framethrift.config.jobs import job

STUDIES = Path(__file__).parents[2] / "config/studies"
REPLAY = "samplings.theirs={kind: replay, indices: theirs.jsonl, frames: 4}"
REDUCED = "samplings.fewer={kind: stream, keyframes_per_gop: 1, delta: drop, reducer: {name: uniform, share: 0.5}}"


def entry(variant: str = "cope", sampling: str = "cope_1k", benchmark: str = "mini_motion", more: str = "") -> str:
    return f"{{variant: {variant}, sampling: {sampling}, benchmark: {benchmark}{more}}}"


@pytest.mark.parametrize(
    ("entries", "overrides", "words"),
    [
        ([entry("nobody")], [], ["dialogues[0].variant", "'nobody' is not defined", "'rgb'"]),
        ([entry(sampling="nothing")], [], ["dialogues[0].sampling", "'nothing' is not defined", "'cope_1k'"]),
        ([entry(), entry("rgb", "rgb_1k", "mini_none")], [], ["dialogues[1].benchmark", "'mini_none' is not defined"]),
        ([entry(benchmark="videomme")], [], ["dialogues[0].benchmark", "no dataset of this study holds 'videomme'"]),
        ([entry("msjoe", "uniform_4")], [], ["dialogues[0].variant", "'msjoe' is a joint", "'mllm'"]),
        ([entry("sampler", "uniform_4")], [], ["dialogues[0].variant", "'sampler' is a sampler"]),
        (
            [entry("published")],
            ["variants.published={kind: baseline, family: llava_onevision, source: some/model}"],
            ["dialogues[0].variant", "'published' is a baseline", "allowed: ["],
        ),
        ([entry(sampling="blind")], [], ["dialogues[0].sampling", "'blind' (kind: blind) shows no video"]),
        ([entry(sampling="guess")], ["samplings.guess={kind: chance}"], ["'guess' (kind: chance) shows no video"]),
        ([entry(sampling="msjoe_4")], [], ["dialogues[0].sampling", "'msjoe_4' picks frames by the question"]),
        ([entry(sampling="oracle_4")], [], ["'oracle_4' picks frames by the question"]),
        ([entry(sampling="theirs")], [REPLAY], ["'theirs' picks frames by the question"]),
        ([entry(sampling="fewer")], [REDUCED], ["'fewer' has a reducer"]),
        ([entry(), entry(benchmark="mini_static")], [], ["dialogues[1]", "is asked in dialogues[0] already"]),
        ([entry(more=", turns: 1")], [], ["dialogues.0.turns", "greater than or equal to 2"]),
    ],
)
def test_impossible_conversations_are_named(entries: list[str], overrides: list[str], words: list[str]) -> None:
    with pytest.raises(StudyError) as error:
        load_study(STUDIES / "mini.yaml", [*overrides, f"dialogues=[{', '.join(entries)}]"])
    for word in words:
        assert word in str(error.value)


def test_a_sampling_must_fit_the_videos_that_are_talked_about() -> None:
    wide = "samplings.wide={kind: stream, keyframes_per_gop: 1, delta: keep, window: 5}"
    with pytest.raises(StudyError, match=r"samplings\.wide\.window: window 5 does not divide gop 16"):
        load_study(STUDIES / "mini.yaml", [wide, f"dialogues=[{entry(sampling='wide')}]"])


def test_conversations_are_held_with_the_first_seed_and_told_in_the_report() -> None:
    flow = Workflow("mini", ["seeds=[3, 4]"])
    held = ["results/mini/dialogues/cope/cope_1k/seed3.json", "results/mini/dialogues/rgb/rgb_1k/seed3.json"]
    assert flow.dialogues() == held
    assert set(held) <= set(job(flow, "report").reads)
    own = job(flow, "dialogue", variant="cope", sampling="cope_1k", seed=3)
    assert own.writes == (held[0],)
    assert own.reads == (
        "results/mini/models/cope/seed3/framethrift.json",
        "results/mini/codec/motion/videos.parquet",
        "results/mini/videos/motion/questions.parquet",
    )
    assert Workflow("mini", ["dialogues=[]"]).dialogues() == []
