"""LoRA: only adapters of the language model learn, the exported model needs none, and another variant goes on from it."""

import copy
import sys
from pathlib import Path

import pytest
import torch
from peft.tuners.lora import LoraLayer

sys.path.insert(0, str(Path(__file__).parent))
from needle_study import SETTINGS

from framethrift.codec.build import encode_dataset
from framethrift.config import Layout, Study
from framethrift.config.training import Lora
from framethrift.models.modelling import CopeVideoForConditionalGeneration, build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import load_tokenizer
from framethrift.videos import build_dataset
from lightning_modules.conversations import Conversations
from lightning_modules.interruption import END_VARIABLE
from lightning_modules.low_rank import LAYERS, add_adapters, merged
from lightning_modules.videolm_finetuning import train_videolm
from lightning_modules.vision_language_pretraining import train_tokenizer, train_vision

LORA = Lora(rank=4, alpha=8)


@pytest.fixture(scope="module")
def study() -> Study:
    settings = copy.deepcopy(SETTINGS)
    settings["training"]["videolm"] |= {"steps": 3, "batch_size": 4, "learning_rate": 1e-2, "lora": LORA.model_dump()}
    settings["training"]["videolm"] |= {"length_grouped": True}
    settings["models"]["language"]["context"] = 1024
    settings["samplings"]["stream"] = {"kind": "stream", "keyframes_per_gop": 1, "delta": "keep", "max_gops": 2}
    settings["variants"]["cope"] = {
        "kind": "videolm",
        "datasets": ["needle"],
        "samplings": ["stream"],
        "delta_pretraining": False,
    }
    settings["variants"]["more"] = {**settings["variants"]["cope"], "start": "cope"}
    settings["variants"]["more"]["training"] = {"videolm": {"learning_rate": 1e-9, "vision_learning_rate": None}}
    return Study.model_validate(settings)


@pytest.fixture(scope="module")
def prepared(study: Study, tmp_path_factory: pytest.TempPathFactory) -> Layout:
    layout = Layout(tmp_path_factory.mktemp("lora") / "results" / "needles")
    build_dataset(study.datasets["needle"], "needle", layout.root)
    encode_dataset(layout.root, "needle", study.recipes["needle"])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("framethrift.tracking.runs._push", lambda layout: None)
        train_tokenizer(study, layout)
        train_vision(study, layout)
    return layout


def fresh(study: Study, layout: Layout) -> CopeVideoForConditionalGeneration:
    return build_videolm(study.models, layout.vision, load_tokenizer(str(layout.tokenizer)), None, 0)


def test_merged_weights_give_the_adapted_models_logits(study: Study, prepared: Layout) -> None:
    model, plain = fresh(study, prepared), fresh(study, prepared)
    processor = CopeVideoProcessor.of(study.models, load_tokenizer(str(prepared.tokenizer)))
    batch = Conversations(study, prepared, "cope", processor, 0).batch(0)
    add_adapters(model, LORA, seed=3)
    with torch.no_grad():
        assert torch.equal(model(**batch).logits, plain(**batch).logits)  # an adapter begins as nothing
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.05, generator=torch.Generator().manual_seed(len(name)))
        adapted = model(**batch).logits
        before = plain(**batch).logits
        plain.load_state_dict(merged(model.state_dict(), LORA))
        assert torch.allclose(plain(**batch).logits, adapted, atol=1e-4)
    assert not torch.allclose(before, adapted, atol=1e-2)
    # peft's own merging is the oracle.
    adapted_layers = {name: part for name, part in model.named_modules() if isinstance(part, LoraLayer)}
    for name, layer in adapted_layers.items():
        layer.merge()
        assert torch.allclose(layer.get_base_layer().weight, plain.get_parameter(f"{name}.weight"), atol=1e-6), name
    assert len(adapted_layers) == len(LAYERS) * study.models.language.layers


def test_only_adapters_and_what_surrounds_the_language_model_learn(study: Study, prepared: Layout) -> None:
    model = fresh(study, prepared)
    add_adapters(model, LORA, seed=0)
    language = {name: p.requires_grad for name, p in model.language_model.named_parameters()}
    assert {name for name, learns in language.items() if learns} == {name for name in language if "lora_" in name}
    layers = study.models.language.layers
    assert sum(language.values()) == 2 * len(LAYERS) * layers
    assert all(p.requires_grad for p in model.projector.parameters())
    again = fresh(study, prepared)
    add_adapters(again, LORA, seed=0)
    assert all(
        torch.equal(one, other) for one, other in zip(model.state_dict().values(), again.state_dict().values(), strict=True)
    )


def test_a_variant_is_trained_cut_off_and_exported_without_adapters(
    study: Study, prepared: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("framethrift.tracking.runs._push", lambda layout: None)
    train_videolm(study, prepared, "cope", 0)
    whole = CopeVideoForConditionalGeneration.from_pretrained(prepared.model("cope", 0))
    start = fresh(study, prepared)
    assert whole.state_dict().keys() == start.state_dict().keys()
    moved = {name for name, tensor in whole.state_dict().items() if not torch.equal(tensor, start.state_dict()[name])}
    language = {name.split(".")[-2] for name in moved if name.startswith("language_model.")}
    assert language == set(LAYERS)
    assert not any("embed_tokens" in name or "lm_head" in name for name in moved)
    train_videolm(study, prepared, "more", 0)
    more = CopeVideoForConditionalGeneration.from_pretrained(prepared.model("more", 0)).state_dict()
    assert all(torch.allclose(tensor, more[name], atol=1e-6) for name, tensor in whole.state_dict().items())
    monkeypatch.setenv(END_VARIABLE, "0")
    for path in prepared.root.glob("checkpoints/**/*.ckpt"):
        path.unlink()
    for _ in range(2):
        with pytest.raises(SystemExit):
            train_videolm(study, prepared, "cope", 0)
    train_videolm(study, prepared, "cope", 0)
    again = CopeVideoForConditionalGeneration.from_pretrained(prepared.model("cope", 0))
    assert all(
        torch.equal(one, other) for one, other in zip(whole.state_dict().values(), again.state_dict().values(), strict=True)
    )
