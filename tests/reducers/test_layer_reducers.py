"""Methods on the language model's layers, against plain loops over the layers without cache, hooks or shortening."""

import pytest
import torch
from torch import Tensor
from transformers import Qwen2Config, Qwen2ForCausalLM
from transformers.cache_utils import DynamicCache

from framethrift.reducers import LAYER_REDUCERS, layer_reducer
from framethrift.reducers.fastv import most
from framethrift.reducers.layer_cache import resident_bytes
from framethrift.reducers.layers import LayerReducer, reduced_layers
from framethrift.reducers.protocol import ReductionError

LAYERS, WIDTH, HEADS, KV_HEADS = 5, 32, 4, 2
NEW = 6


@pytest.fixture(scope="module")
def model() -> Qwen2ForCausalLM:
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=97,
        hidden_size=WIDTH,
        intermediate_size=48,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        max_position_embeddings=512,
        attn_implementation="sdpa",
    )
    made = Qwen2ForCausalLM(config).eval()
    for parameter in made.parameters():  # strong enough that attention is far from uniform
        parameter.data.normal_(0, 0.3)
    made.generation_config.eos_token_id = None
    made.generation_config.pad_token_id = 0
    return made


def prompt(frames: int = 6, per_frame: int = 5, before: int = 3, after: int = 4, seed: int = 1) -> tuple[Tensor, Tensor]:
    """Embeddings (1, L, d) and frames (1, L): text, then frames of visual tokens, each with a newline, then the question."""
    generator = torch.Generator().manual_seed(seed)
    of = [-1] * before + [index for frame in range(frames) for index in [*[frame] * per_frame, -1]] + [-1] * after
    return torch.randn((1, len(of), WIDTH), generator=generator), torch.tensor([of])


def run_layer(model: Qwen2ForCausalLM, index: int, hidden: Tensor, positions: Tensor, allowed: Tensor) -> Tensor:
    """One decoder layer over (1, n, d) with positions (1, n) and a mask (n, n), without any cache."""
    rotation = model.model.rotary_emb(hidden, positions)
    return model.model.layers[index](hidden, attention_mask=allowed[None, None], position_embeddings=rotation)


def attention_of(model: Qwen2ForCausalLM, index: int, hidden: Tensor, allowed: Tensor) -> Tensor:
    """(n, n) attention weights of a layer averaged over heads, by the textbook."""
    attention = model.model.layers[index].self_attn
    normed = model.model.layers[index].input_layernorm(hidden)
    cosine, sine = model.model.rotary_emb(hidden, torch.arange(hidden.shape[1])[None])
    dim = attention.head_dim

    def rotated(states: Tensor) -> Tensor:
        half = torch.cat([-states[..., dim // 2 :], states[..., : dim // 2]], dim=-1)
        return states * cosine[:, None] + half * sine[:, None]

    query = rotated(attention.q_proj(normed).view(1, -1, HEADS, dim).transpose(1, 2))
    key = rotated(attention.k_proj(normed).view(1, -1, KV_HEADS, dim).transpose(1, 2)).repeat_interleave(HEADS // KV_HEADS, 1)
    scores = (query @ key.transpose(2, 3) / dim**0.5).masked_fill(~allowed, -torch.inf)
    return scores.softmax(-1).mean(1)[0]


def causal(size: int) -> Tensor:
    return torch.ones(size, size, dtype=torch.bool).tril()


def finish(model: Qwen2ForCausalLM, hidden: Tensor) -> Tensor:
    return model.lm_head(model.model.norm(hidden[:, -1]))


@torch.no_grad()
def written(model: Qwen2ForCausalLM, embeds: Tensor, method: LayerReducer, frames: Tensor, **more) -> tuple[Tensor, object]:
    with reduced_layers(model.model, method, frames) as hooks:
        out = model.generate(
            inputs_embeds=embeds, max_new_tokens=NEW, do_sample=False, output_logits=True, return_dict_in_generate=True, **more
        )
    return out, hooks


@torch.no_grad()
def rewritten(model: Qwen2ForCausalLM, embeds: Tensor, logits_of) -> tuple[list[int], list[Tensor]]:
    """Greedy decoding that reads everything anew for every token; logits_of(embeddings, prompt length) → (1, vocabulary)."""
    tokens, seen, length = [], [], embeds.shape[1]
    for _ in range(NEW):
        logits = logits_of(embeds, length)
        seen.append(logits)
        tokens.append(int(logits.argmax()))
        embeds = torch.cat([embeds, model.model.embed_tokens(torch.tensor([[tokens[-1]]]))], dim=1)
    return tokens, seen


def assert_same(model, embeds, method, frames, logits_of) -> object:
    out, hooks = written(model, embeds, method, frames)
    tokens, logits = rewritten(model, embeds, logits_of)
    torch.testing.assert_close(torch.stack(out.logits), torch.stack(logits), atol=2e-4, rtol=2e-4)
    assert out.sequences[0].tolist() == tokens
    return out, hooks


@pytest.mark.parametrize("share", [0.1, 0.5])
@pytest.mark.parametrize("layer", [1, 3])
def test_fastv_is_the_model_without_the_least_looked_at_tokens_from_layer_k_on(model, share, layer):
    embeds, frames = prompt()

    def logits_of(given: Tensor, length: int) -> Tensor:
        hidden, allowed = given, causal(given.shape[1])
        kept = torch.arange(given.shape[1])
        for index in range(LAYERS):
            if index == layer - 1:
                # The prompt alone decides: what is written later does not change what is gone.
                start = embeds
                for below in range(index):
                    start = run_layer(model, below, start, torch.arange(length)[None], causal(length))
                scores = attention_of(model, index, start, causal(length))[-1]
                visual = (frames[0] >= 0).nonzero()[:, 0]
                best = visual[scores[visual].argsort(descending=True)[: int(len(visual) * share)]]
                stay = torch.ones(given.shape[1], dtype=torch.bool)
                stay[visual] = False
                stay[best] = True
                later = stay.nonzero()[:, 0]
            if index == layer:
                hidden, kept = hidden[:, later], later
            hidden = run_layer(model, index, hidden, kept[None], allowed[kept][:, kept])
        return finish(model, hidden)

    out, hooks = assert_same(model, embeds, layer_reducer("fastv", share, layer=layer), frames, logits_of)
    length, visual = frames.shape[1], int((frames >= 0).sum())
    left = length - visual + int(visual * share)
    assert [hooks.kept[index] for index in range(LAYERS)] == [length] * layer + [left] * (LAYERS - layer)
    held = [part.keys.shape[2] for part in out.past_key_values.layers]
    assert held == [length + NEW - 1] * layer + [left + NEW - 1] * (LAYERS - layer)
    per_token = 2 * KV_HEADS * (WIDTH // HEADS) * 4
    assert resident_bytes(out.past_key_values) == per_token * sum(held)


@pytest.mark.parametrize("group", [1, 2, 4])
@torch.no_grad()
def test_quickvideo_is_reading_group_after_group_and_pruning_every_layers_cache(model, group):
    embeds, frames = prompt(frames=7)
    share = 0.4
    out, hooks = written(model, embeds, layer_reducer("quickvideo", share, group=group), frames)

    bounds, cache = [], DynamicCache()
    last = 0
    for start in range(0, 7, group):
        inside = (frames[0] >= start) & (frames[0] < start + group)
        # With the newline behind the group's last frame; what follows the last frame of all is read with the question.
        end = int(inside.nonzero()[-1]) + (2 if start + group < 7 else 1)
        bounds.append((last, end))
        last = end
    bounds.append((last, frames.shape[1]))
    for first, end in bounds:
        hidden = embeds[:, first:end]
        rotation = model.model.rotary_emb(hidden, torch.arange(first, end)[None])
        for index, layer in enumerate(model.model.layers):
            before = cache.get_seq_length(index)
            mask = torch.cat([torch.ones(end - first, before, dtype=torch.bool), causal(end - first)], dim=1)
            hidden = layer(hidden, attention_mask=mask[None, None], position_embeddings=rotation, past_key_values=cache)
            keys = cache.layers[index].keys[:, :, before:]
            norms = keys.transpose(1, 2).flatten(2).norm(dim=2)[0]
            visual = (frames[0, first:end] >= 0).nonzero()[:, 0]
            keep = torch.ones(end - first, dtype=torch.bool)
            keep[visual] = False
            keep[visual[norms[visual].argsort()[: max(1, int(len(visual) * share + 1e-6))]]] = True
            held = torch.cat([torch.arange(before), before + keep.nonzero()[:, 0]])
            cache.layers[index].keys = cache.layers[index].keys[:, :, held]
            cache.layers[index].values = cache.layers[index].values[:, :, held]
    torch.testing.assert_close(out.logits[0], finish(model, hidden), atol=2e-4, rtol=2e-4)
    for mine, theirs in zip(out.past_key_values.layers, cache.layers, strict=True):
        count = theirs.keys.shape[2]
        assert mine.keys.shape[2] == count + NEW - 1
        torch.testing.assert_close(mine.keys[:, :, :count], theirs.keys, atol=2e-4, rtol=2e-4)
        torch.testing.assert_close(mine.values[:, :, :count], theirs.values, atol=2e-4, rtol=2e-4)
    position = frames.shape[1]
    for step in range(1, NEW):
        hidden = model.model.embed_tokens(out.sequences[:, step - 1 : step])
        rotation = model.model.rotary_emb(hidden, torch.tensor([[position + step - 1]]))
        for layer in model.model.layers:
            hidden = layer(hidden, attention_mask=None, position_embeddings=rotation, past_key_values=cache)
        torch.testing.assert_close(out.logits[step], finish(model, hidden), atol=2e-4, rtol=2e-4)
    assert hooks.kept[0] == cache.layers[0].keys.shape[2] - NEW + 1


def test_mod_lets_skipped_tokens_pass_the_layer_unchanged(model):
    embeds, frames = prompt()
    share = 0.4

    def logits_of(given: Tensor, length: int) -> Tensor:
        hidden, start = given, embeds
        for index in range(LAYERS):
            stay = torch.ones(given.shape[1], dtype=torch.bool)
            if index % 2 == 1:
                scores = attention_of(model, index, start, causal(length))[-1]
                for frame in range(6):
                    own = (frames[0] == frame).nonzero()[:, 0]
                    stay[own] = False
                    stay[own[scores[own].argsort(descending=True)[:2]]] = True
            for name, states in (("start", start), ("hidden", hidden)):
                rows = stay[: states.shape[1]].nonzero()[:, 0]
                new = states.clone()
                new[:, rows] = run_layer(model, index, states[:, rows], rows[None], causal(len(rows)))
                if name == "start":
                    start = new
                else:
                    hidden = new
        return finish(model, hidden)

    _, hooks = assert_same(model, embeds, layer_reducer("videollm_mod", share), frames, logits_of)
    assert hooks.kept[0] == frames.shape[1] and hooks.kept[1] == frames.shape[1] - 6 * 3


@pytest.mark.parametrize("turn", [-1.1, 0.9, 1.1])
def test_dycoke_hides_visual_tokens_from_what_is_written_above_layer_l(model, turn):
    embeds, frames = prompt()
    share, layer = 0.3, 2
    length = frames.shape[1]
    visual = frames[0] >= 0
    hidden_of: dict[int, Tensor] = {}  # which prompt columns the token at a position may see above layer L
    before: list[Tensor] = []

    def logits_of(given: Tensor, _: int) -> Tensor:
        size = given.shape[1]
        hidden = given
        for index in range(LAYERS):
            allowed = causal(size)
            if index == layer and size > length:
                scores = attention_of(model, index, hidden, allowed)[-1][:length]
                scores = scores.masked_fill(~visual, 0)
                chosen = most(scores[None], visual[None], share)[0] | ~visual
                known = hidden_of.get(size - 2)
                if known is not None and torch.cosine_similarity(scores, before[-1], dim=0) >= turn:
                    chosen = known
                hidden_of[size - 1] = chosen
                before.append(scores)
            if index > layer:
                for row in range(length, size):
                    allowed[row, :length] &= hidden_of[row]
            hidden = run_layer(model, index, hidden, torch.arange(size)[None], allowed)
        return finish(model, hidden)

    out, hooks = assert_same(model, embeds, layer_reducer("dycoke_decode", share, layer=layer, turn=turn), frames, logits_of)
    assert set(hooks.kept.values()) == {length}
    assert [part.keys.shape[2] for part in out.past_key_values.layers] == [length + NEW - 1] * LAYERS


OPTIONS = {"fastv": {}, "dycoke_decode": {"layer": 2}, "quickvideo": {"group": 2}, "videollm_mod": {}}


@pytest.mark.parametrize("name", LAYER_REDUCERS)
def test_keeping_all_changes_nothing(model, name):
    embeds, frames = prompt()
    with torch.no_grad():
        plain = model.generate(
            inputs_embeds=embeds, max_new_tokens=NEW, do_sample=False, output_logits=True, return_dict_in_generate=True
        )
    out, _ = written(model, embeds, layer_reducer(name, 1.0, **OPTIONS[name]), frames)
    torch.testing.assert_close(torch.stack(out.logits), torch.stack(plain.logits), atol=1e-4, rtol=1e-4)
    again = model.generate(inputs_embeds=embeds, max_new_tokens=NEW, do_sample=False)
    assert again.tolist() == plain.sequences.tolist(), "the hooks are gone afterwards"


@pytest.mark.parametrize("name", LAYER_REDUCERS)
def test_rows_of_a_padded_batch_get_what_they_get_alone(model, name):
    long, long_frames = prompt(frames=6, seed=3)
    short, short_frames = prompt(frames=3, per_frame=4, seed=4)
    padding = long.shape[1] - short.shape[1]
    embeds = torch.cat([long, torch.cat([torch.zeros(1, padding, WIDTH), short], dim=1)])
    frames = torch.cat([long_frames, torch.cat([torch.full((1, padding), -1), short_frames], dim=1)])
    mask = torch.ones(embeds.shape[:2], dtype=torch.long)
    mask[1, :padding] = 0
    out, _ = written(model, embeds, layer_reducer(name, 0.4, **OPTIONS[name]), frames, attention_mask=mask)
    for row, (given, own) in enumerate(((long, long_frames), (short, short_frames))):
        alone, _ = written(model, given, layer_reducer(name, 0.4, **OPTIONS[name]), own)
        torch.testing.assert_close(torch.stack(out.logits)[:, row], torch.stack(alone.logits)[:, 0], atol=2e-4, rtol=2e-4)


@pytest.mark.parametrize("name", LAYER_REDUCERS)
def test_several_samples_share_one_prompt(model, name):
    embeds, frames = prompt()
    torch.manual_seed(5)
    out, hooks = written(model, embeds, layer_reducer(name, 0.4, **OPTIONS[name]), frames, num_beams=3)
    assert out.sequences.shape == (1, NEW) and hooks.kept[0] > 0


def test_reducing_changes_the_answer_and_one_method_serves_several_prompts(model):
    embeds, frames = prompt()
    method = layer_reducer("fastv", 0.2)
    with torch.no_grad():
        plain = model(inputs_embeds=embeds).logits[:, -1]
        with reduced_layers(model.model, method, frames):
            first, second = (model(inputs_embeds=embeds).logits[:, -1] for _ in range(2))
    assert not torch.allclose(plain, first, atol=1e-3)
    torch.testing.assert_close(first, second)


def test_what_does_not_fit_is_named(model):
    embeds, frames = prompt()
    with pytest.raises(ReductionError, match=r"allowed.*fastv"):
        layer_reducer("slowv", 0.5)
    with pytest.raises(ReductionError, match=r"share: 1\.5"):
        layer_reducer("fastv", 1.5)
    with pytest.raises(ReductionError, match=r"no \['depth'\].*layer"):
        layer_reducer("fastv", 0.5, depth=1)
    with (
        pytest.raises(ReductionError, match="needs 9 layers"),
        reduced_layers(model.model, layer_reducer("fastv", 0.5, layer=8), frames),
    ):
        pass
    with (
        pytest.raises(ReductionError, match="another prompt"),
        reduced_layers(model.model, layer_reducer("fastv", 0.5), frames[:, 1:]),
        torch.no_grad(),
    ):
        model(inputs_embeds=embeds)


def test_most_rounds_down_but_keeps_one():
    scores = torch.tensor([[5.0, 1.0, 4.0, 4.0, 9.0]])
    among = torch.tensor([[True, True, True, True, False]])
    assert most(scores, among, 0.5).tolist() == [[True, False, True, False, False]]
    assert most(scores, among, 0.74).sum() == 2 and most(scores, among, 0.01).sum() == 1
    assert most(scores, among & False, 0.5).sum() == 0


def test_a_layer_is_passed_by_or_forgets_and_forgetting_needs_groups(model):
    embeds, frames = prompt()

    class Both(LayerReducer):
        def processed(self, at):
            return ~at.visual

        remembered = processed

    class Ungrouped(LayerReducer):
        def remembered(self, at):
            return ~at.visual

    class Nothing(LayerReducer):
        def processed(self, at):
            return at.visual & False

    for method, message in ((Both(), "not both"), (Ungrouped(), "in which groups"), (Nothing(), "no token is left")):
        with pytest.raises(ReductionError, match=message), reduced_layers(model.model, method, frames), torch.no_grad():
            model(inputs_embeds=embeds)
