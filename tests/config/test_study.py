"""A study that cannot work fails before the DAG is built, with the field's path, the value and what is allowed."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from framethrift.config import StudyError, Workflow, load_study
from framethrift.config.rows import changes
from framethrift.config.schema import schema_text

ROOT = Path(__file__).parents[2]
MINI = ROOT / "config/studies/mini.yaml"


@pytest.mark.parametrize("name", ["mini", "small", "paper"])
def test_every_published_study_is_valid(name: str) -> None:
    study = load_study(ROOT / f"config/studies/{name}.yaml")
    assert study.name == name
    assert study.evaluations()


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("training.delta.lr=1", ["training.delta.lr", "not permitted", "found 1"]),
        ("recipes.motion.window=5", ["recipes.motion", "window 5 does not divide gop 16", "[1, 2, 4, 8, 16]"]),
        ("samplings.cope_1k.keyframes_per_gop=9", ["samplings.cope_1k.keyframes_per_gop", "9 key frames", "1 to"]),
        ("samplings.cope_1k.window=5", ["samplings.cope_1k.window", "window 5 does not divide gop 16", "[1, 2, 4, 8, 16]"]),
        (
            "samplings.rgb_4k.window=8",
            ["samplings.rgb_4k.keyframes_per_gop", "4 key frames", "2 slots (recipe motion)"],
        ),
        ("samplings.cope_1k={fusion: adaptive, window: 2}", ["samplings.cope_1k", "window 2 belongs to fixed fusion"]),
        ("variants.cope.samplings=[cope_zero]", ["variants.cope.samplings", "'cope_zero' alters the Δ-tokens"]),
        ("variants.cope.start=nothing", ["variants.cope.start", "'nothing'", "allowed"]),
        ("variants.cope.start=cope", ["variants.cope.start", "'cope' goes on from 'cope'"]),
        ("variants.rgb={start: cope, models: {sampler: {kernel: 3}}}", ["variants.rgb.start", "'cope' has other models"]),
        ("models.vision.heads=5", ["models.vision", "heads 5 does not divide hidden_size 128"]),
        ("models.delta_encoder.heads=7", ["models.delta_encoder", "heads 7 does not divide width"]),
        ("training.key_frames.previews=9", ["training.key_frames.previews", "9 exceeds frames 4"]),
        ("variants.cope.samplings=[nothing]", ["variants.cope.samplings", "'nothing'", "allowed"]),
        ("variants.msjoe.sampler=rgb", ["variants.msjoe.sampler", "'rgb' is no sampler", "['sampler']"]),
        ("variants.cope.training.videolm.step=3", ["videolm.step", "not permitted"]),
        ("training.videolm.warmup_steps=100000", ["training.videolm", "warmup_steps 100000 must be below steps"]),
        ("seeds=[0, 0]", ["seeds", "[0, 0]"]),
        ("datasets.motion.fps=10", ["datasets.motion", "differ from those of recipe 'motion'"]),
        ("models.delta_encoder.motion_tokens=-1", ["models.delta_encoder.motion_tokens", "greater than or equal to 0"]),
        ("clips=no/such/folder", ["clips", "'no/such/folder' is not a folder"]),
        ("training", ["'training'", "field=value"]),
    ],
)
def test_impossible_settings_are_named(override: str, words: list[str]) -> None:
    with pytest.raises(StudyError) as error:
        load_study(MINI, [override])
    for word in words:
        assert word in str(error.value)


def test_unknown_benchmark_is_named(tmp_path: Path) -> None:
    raw = yaml.safe_load(MINI.read_text(encoding="utf-8"))
    raw["cells"][0]["benchmarks"] = ["mini_moton"]
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(StudyError, match="mini_moton"):
        load_study(path)


@pytest.mark.parametrize("text", ["", "- a list", "a: [unclosed"])
def test_a_file_that_is_no_study(tmp_path: Path, text: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(StudyError, match=r"broken\.yaml"):
        load_study(path)


def test_a_missing_study_lists_the_known_ones() -> None:
    with pytest.raises(StudyError, match="unheard_of"):
        load_study("unheard_of")


def test_an_override_changes_one_field_only() -> None:
    plain, changed = load_study(MINI), load_study(MINI, ["training.joint.learning_rate=1e-5"])
    assert changed.training.joint.learning_rate == 1e-5
    assert changed.model_copy(update={"training": plain.training}) == plain


def test_clips_join_delta_pretraining(tmp_path: Path) -> None:
    study = load_study(MINI, [f"clips={tmp_path}"])
    assert study.datasets["clips"].kind == "clips"
    assert study.training.delta.datasets == ["motion", "clips"]


def test_schema_file_is_in_step_with_the_code() -> None:
    text = (ROOT / "config/schema.json").read_text(encoding="utf-8")
    assert text == schema_text(), "run `framethrift config schema`"
    assert json.loads(text)["properties"]["training"]


def test_configuration_imports_no_torch() -> None:
    code = "import sys, framethrift.config; sys.exit(any(m in sys.modules for m in ('torch', 'pandas', 'numpy', 'av')))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_delta_encoders_are_shared_by_equal_settings() -> None:
    study = load_study(MINI, ["variants.twin={kind: videolm, datasets: [motion], samplings: [cope_1k]}"])
    other = load_study(
        MINI,
        ["variants.twin={kind: videolm, datasets: [motion], samplings: [cope_1k], models: {delta_encoder: {motion_tokens: 2}}}"],
    )
    assert study.delta_of("twin") == "cope"
    assert other.delta_of("twin") == "twin"
    assert study.delta_of("rgb") is None


def test_a_variant_that_goes_on_from_another_needs_its_model_and_settings() -> None:
    more = "variants.more={kind: videolm, datasets: [motion], samplings: [cope_1k], start: cope}"
    flow, moved = Workflow(str(MINI), [more]), Workflow(str(MINI), [more, "variants.cope.captions=false"])
    assert flow.study.delta_of("more") is None and flow.model("cope", 0) in flow.fine_tuning("more", 0)
    assert flow.digest("videolm", "more") != moved.digest("videolm", "more")
    assert changes(flow.study, "more") == {"start": "cope"}


def test_a_qwen_baseline_may_be_an_mllm_and_is_then_linked() -> None:
    study = load_study("paper")
    assert study.linked() == ["qwen2_5_vl"] and study.backbone_of("msjoe_qwen") == study.variants["qwen2_5_vl"]
    assert study.backbone_of("msjoe") is None and list(study.long_sets("qwen2_5_vl")) == ["long_video_qa"]
    with pytest.raises(StudyError, match=r"variants.sampler_qwen.mllm: 'words' is no VideoLM that writes queries"):
        load_study(
            "paper",
            ["variants.words={kind: baseline, family: text, source: folder/of-it}", "variants.sampler_qwen.mllm=words"],
        )
    streams = "cells=[{variants: [msjoe_qwen], samplings: [cope_1k], benchmarks: [nextqa]}]"
    with pytest.raises(StudyError, match=r"'msjoe_qwen' .*cannot be shown 'cope_1k'"):
        load_study("paper", [streams])
