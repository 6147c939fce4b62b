"""Evaluation shows a model exactly what training showed it: the same first answer logits for every training question."""

import shutil

import numpy as np
import pytest
import torch

from framethrift.config import Layout
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.models.reasoning import query_prompt
from lightning_modules.conversations import Conversations


def _trained(study, layout, variant, loaded, total):  # type: ignore[no-untyped-def]
    """(question text, largest first answer logit) of every training conversation of an epoch."""
    conversations = Conversations(study, layout, variant, loaded.processor, seed=0)
    size, tokenizer = study.training_of(variant).videolm.batch_size, loaded.processor.tokenizer
    found = []
    for step in range(total // size):
        batch = conversations.batch(step)
        labels = batch.pop("labels")
        with torch.inference_mode():
            largest = loaded.model(**batch).logits.amax(dim=-1)
        for row in range(size):
            starts = [n for n in range(1, labels.shape[1]) if labels[row, n] != -100 and labels[row, n - 1] == -100]
            for start in starts:
                before = tokenizer.decode(batch["input_ids"][row, :start])
                asked = before.removesuffix("<|im_end|>\n<|im_start|>assistant\n").rsplit("\n", 1)[1]
                found.append((asked, float(largest[row, start - 1])))
    return sorted(found)


def _evaluated(study, layout, loaded, sampling, benchmarks):  # type: ignore[no-untyped-def]
    asked = [load_asked(study, layout, name, split="train") for name in benchmarks]
    asks = [Ask(a.videos[q.video_id], q.question, None, q.evidence) for a in asked for q in a.present]
    found = []
    for ask, view in zip(asks, loaded.answerer(sampling).viewer(asks), strict=True):
        shown = view.shown.conversation(loaded.processor, [ask.question])
        given = {
            "image_features": shown.image_features,
            "image_grids": list(shown.image_grids),
            "delta_embeds": shown.delta_embeds,
        }
        with torch.inference_mode():
            logits = loaded.model(input_ids=torch.tensor([[*shown.prefix, *shown.questions[0]]]), **given).logits[0, -1]
        found.append((ask.question, float(logits.max())))
    return sorted(found)


@pytest.mark.parametrize(
    ("variant", "sampling", "benchmarks"),
    [
        ("cope", "cope", ["mini_motion", "mini_static"]),
        ("cope", "adaptive", ["mini_motion", "mini_static"]),
        ("mllm", "oracle", ["mini_needle"]),
    ],
)
def test_first_answer_logits_agree(tiny, variant: str, sampling: str, benchmarks: list[str]) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    own = study.variants[variant].model_copy(update={"samplings": [sampling]})
    study = study.model_copy(update={"variants": {**study.variants, variant: own}})
    loaded = load_variant(study, layout, variant, 0, "cpu")
    evaluated = _evaluated(study, layout, loaded, study.samplings[sampling], benchmarks)
    epoch = 2 if variant == "cope" else 2 * len(evaluated)  # videos; or questions and as many query-writing conversations
    trained = _trained(study, layout, variant, loaded, epoch)
    written = {query_prompt(question) for question, _ in evaluated}
    answers = [(text, logit) for text, logit in trained if text not in written]
    assert [text for text, _ in answers] == [text for text, _ in evaluated]
    assert [logit for _, logit in answers] == pytest.approx([logit for _, logit in evaluated], abs=1e-4)
    assert np.std([logit for _, logit in evaluated]) > 0.01
    assert len(trained) == len(answers) * (1 if variant == "cope" else 2)


def test_cached_primitives_train_the_same(tiny, tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny[0], Layout(tmp_path / "results" / "tiny")
    shutil.copytree(tiny[1].root, layout.root)
    processor = load_variant(study, layout, "cope", 0, "cpu").processor
    plain = Conversations(study, layout, "cope", processor, seed=0).batch(0)
    cached = study.variants["cope"].model_copy(update={"training": {"primitive_cache": True}})
    study = study.model_copy(update={"variants": {**study.variants, "cope": cached}})
    first = Conversations(study, layout, "cope", processor, seed=0).batch(0)
    again = Conversations(study, layout, "cope", processor, seed=0)
    monkeypatch.setattr("lightning_modules.data.read_gops", lambda *_, **__: pytest.fail("read from the video again"))
    for batch in (first, again.batch(0)):
        assert all(torch.equal(batch[name], value) for name, value in plain.items())
    assert list(layout.primitives.rglob("*.zip"))
