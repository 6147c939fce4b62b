"""Rollouts that another engine writes: the model in 16 bits everywhere, vLLM where it is installed."""

import copy
from collections.abc import Callable, Iterator
from importlib import import_module, util
from typing import Any

import pytest
import torch

from framethrift.config import Layout, Study
from framethrift.evaluation.backbones.qwen2_5_vl_reasoning import QwenReasoner, QwenSpeaker
from framethrift.models.completions import Completions, Writing, complete, completion_log_probability
from framethrift.tracking import runs
from lightning_modules import joint_evolution
from lightning_modules.joint_evolution import JointEvolution, train_joint
from lightning_modules.mllm import open_mllm
from lightning_modules.rollouts import ask

Log = dict[str, list[float]]


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(runs, "_push", lambda layout: None)


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Log:
    found: Log = {}
    monkeypatch.setattr(JointEvolution, "log", lambda self, name, value: found.setdefault(name, []).append(float(value)))
    return found


def with_vllm(study: Study, **settings: Any) -> Study:
    """The study with joint training that writes through vLLM."""
    joint = study.training.joint.model_copy(update={"engine": "vllm", "engine_context": 512, **settings})
    return study.model_copy(update={"training": study.training.model_copy(update={"joint": joint})})


class Rounded:
    """The model with its weights rounded to 8 bits of mantissa."""

    corrected = True

    def __init__(self, reasoner: QwenReasoner) -> None:
        self._trained, self._model = reasoner.backbone.model, copy.deepcopy(reasoner.backbone.model)
        self._speaker = QwenSpeaker(type("Backbone", (), {"model": self._model})())  # type: ignore[arg-type]
        self.updates: list[float] = []

    def update(self) -> None:
        weights = {name: value.bfloat16().float() for name, value in self._trained.state_dict().items()}
        self.updates.append(float(sum(value.double().sum() for value in weights.values())))
        self._model.load_state_dict(weights)

    def complete(self, prompts: Any, how: Writing) -> Completions:
        return complete(self._speaker, prompts, how)


def test_what_another_engine_writes_is_weighed_and_its_weights_follow(
    linked: tuple[Study, Layout], logged: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    study, layout = with_vllm(linked[0], importance_cap=1.001), linked[1]
    engines = []

    def write_rounded(reasoner: Any, training: Any) -> None:
        engines.append(Rounded(reasoner))
        reasoner.engine = engines[-1]

    monkeypatch.setattr(joint_evolution, "write_with_vllm", write_rounded)
    train_joint(study, layout, "qwen_rounded", 0)
    updates = engines[0].updates
    assert len(updates) == 1 + study.training.joint.steps and len(set(updates)) == len(updates), "after every step, changed"
    # Near 1, never above the cap, and now and then at it: the engines differ by rounding alone.
    assert all(0.9 < weight <= 1.001 and weight != 1 for weight in logged["importance_weight"])
    assert all(0 < share < 1 for share in logged["importance_truncated"])


def test_vllm_that_is_not_installed_is_named(linked: tuple[Study, Layout], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("framethrift.models.vllm_engine.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install vllm.*training\.joint\.engine"):
        train_joint(with_vllm(linked[0]), linked[1], "qwen_vllm", 0)


def test_vllm_in_several_processes_is_refused(linked: tuple[Study, Layout], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ValueError, match="engine: vllm writes for one process"):
        train_joint(with_vllm(linked[0]), linked[1], "qwen_vllm", 0)


def test_vllm_for_the_projects_own_model_is_refused(linked: tuple[Study, Layout]) -> None:
    changed = linked[0].model_dump()
    changed["training"]["joint"]["engine"] = "vllm"
    with pytest.raises(ValueError, match="vllm has no class for 'mllm', this project's own"):
        Study.model_validate(changed)


needs_vllm = pytest.mark.skipif(util.find_spec("vllm") is None, reason="vllm is not installed")


@pytest.fixture(scope="module", autouse=True)
def _readable() -> Iterator[None]:
    """vLLM's CPU build asks the `__dict__` of everything in every module for an entry; llvmlite has one that is no dict."""
    with pytest.MonkeyPatch.context() as patch:
        if util.find_spec("vllm") is not None:
            ffi = import_module("llvmlite.binding.ffi")
            patch.setattr(ffi._lib_fn_wrapper, "get", lambda self, name: None, raising=False)
        yield


@pytest.fixture(scope="module")
def writer(linked: tuple[Study, Layout]) -> Iterator[tuple[QwenReasoner, Callable[..., Any]]]:
    """A reasoner that writes through vLLM, and prompts with and without frames, of unequal lengths."""
    study, layout = linked
    mllm = open_mllm(layout.model("qwen", 0))
    reasoner = mllm.reasoner
    assert isinstance(reasoner, QwenReasoner)
    asked, rows = ask(layout, "needle", "train")
    bank = mllm.looking(layout, rows, study.training.key_frames)

    def prompts() -> Any:
        some = asked[:3]
        frames = bank.shown([(one.video_id, [3, 9, 20]) for one in some], preview=False)
        previews = bank.shown([(one.video_id, [5, 30]) for one in some], preview=True)
        found = reasoner.answer_prompts([one.prompt for one in some], frames)
        return (
            found + reasoner.query_prompts([one.question for one in some], previews) + reasoner.query_prompts(["which ?"], [None])
        )

    reasoner.write_with_vllm(512, 0.4)
    yield reasoner, prompts


def _ends(reasoner: QwenReasoner) -> dict[str, int]:
    tokenizer = reasoner.backbone.processor.tokenizer
    return {"pad_id": tokenizer.pad_token_id, "end_id": tokenizer.eos_token_id}


@needs_vllm
def test_vllm_writes_what_transformers_writes(writer: tuple[QwenReasoner, Callable[..., Any]]) -> None:
    reasoner, prompts = writer
    ours = complete(reasoner.model, prompts(), Writing(12, **_ends(reasoner)))
    theirs = reasoner.engine.complete(prompts(), Writing(12, **_ends(reasoner)))
    assert torch.equal(ours.tokens, theirs.tokens) and torch.equal(ours.mask, theirs.mask)
    # Greedy: transformers' log-probabilities are those at temperature 1.
    told = completion_log_probability(reasoner.model, prompts(), theirs, 1.0, reasoner.pad_id)
    torch.testing.assert_close(ours.log_probability, told, atol=1e-4, rtol=0)


@needs_vllm
def test_vllms_draws_follow_the_generator_and_state_their_probabilities(writer: tuple[QwenReasoner, Callable[..., Any]]) -> None:
    reasoner, prompts = writer

    def drawn(seed: int) -> Completions:
        generator = torch.Generator().manual_seed(seed)
        return reasoner.engine.complete(
            prompts(), Writing(12, samples=4, temperature=1.3, generator=generator, **_ends(reasoner))
        )

    found = drawn(0)
    assert torch.equal(found.tokens, drawn(0).tokens) and len(found.tokens) == 4 * len(prompts())
    assert len({tuple(row) for row in found.ids()}) > len(prompts()), "samples of a prompt differ"
    told = completion_log_probability(reasoner.model, prompts(), found, 1.3, reasoner.pad_id)
    torch.testing.assert_close(found.log_probability, told, atol=1e-3, rtol=0)


@needs_vllm
def test_vllm_writes_from_the_weights_of_the_last_update(writer: tuple[QwenReasoner, Callable[..., Any]]) -> None:
    reasoner, prompts = writer
    head = reasoner.model.language_model.get_parameter("model.layers.0.mlp.down_proj.weight")
    kept = head.detach().clone()
    before = reasoner.engine.complete(prompts(), Writing(12, **_ends(reasoner)))
    try:
        head.data += torch.randn(head.shape, generator=torch.Generator().manual_seed(0))
        reasoner.engine.update()
        after = reasoner.engine.complete(prompts(), Writing(12, **_ends(reasoner)))
        assert not torch.equal(before.tokens, after.tokens)
        assert torch.equal(after.tokens, complete(reasoner.model, prompts(), Writing(12, **_ends(reasoner))).tokens)
    finally:
        head.data.copy_(kept)
        reasoner.engine.update()


@needs_vllm
def test_joint_training_with_vllm(linked: tuple[Study, Layout], logged: Log) -> None:
    study, layout = with_vllm(linked[0]), linked[1]
    train_joint(study, layout, "qwen_vllm", 0)
    assert max(logged["reward_accuracy"]) > 0 and max(logged["queries_well_formed"]) > 0
    assert all(abs(weight - 1) < 1e-3 for weight in logged["importance_weight"]), "32 bits on both sides"
