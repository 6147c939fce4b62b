"""Reducing visual tokens inside the language model, by hooks on the decoder layers of transformers' Qwen2.

    with reduced_layers(model.language_model.model, fastv(share=0.5), frames) as hooks:
        model.generate(**inputs)
    hooks.kept  # per layer: tokens in its cache after the prompt

A method may let only some of the prompt's tokens through a layer, may drop tokens from a layer's cache once the prompt is read,
and may hide cached tokens from the tokens written later. Positions are never renumbered: rotations are picked with the tokens.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from framethrift.models.language import MASKED_ATTENTION
from framethrift.reducers.layer_attention import causal_mask, key_norms, last_attention
from framethrift.reducers.layer_cache import shorten
from framethrift.reducers.protocol import ReductionError


@dataclass(eq=False)
class AtLayer:
    """A decoder layer about to run: `hidden` (B, n, d) and the call's other arguments.

    frames: (B, L) int64, the frame of every prompt token, -1 for text and padding. n is L while the prompt is read.
    """

    index: int
    layer: nn.Module
    hidden: Tensor
    given: dict[str, Any]
    frames: Tensor

    @property
    def visual(self) -> Tensor:
        """(B, L) bool: which prompt tokens are visual."""
        return self.frames >= 0

    def attention(self) -> Tensor:
        """(B, K) this layer's attention from the last token to every cached and new token, averaged over heads, in float32."""
        return last_attention(self.layer, self.hidden, self.given)

    def key_norms(self) -> Tensor:
        """(B, n) lengths of the new tokens' keys, all key-value heads together; rotation does not change them."""
        return key_norms(self.layer, self.hidden)


class LayerReducer:
    """A method on the layers; each part is optional. One object serves one prompt at a time: it may remember between layers.

    layers: the fewest decoder layers with which the method does anything.
    """

    layers = 1

    def processed(self, at: AtLayer) -> Tensor | None:
        """(B, L) bool: prompt tokens that go through this layer, the rest passes it by and is not in its cache; None: all."""
        return None

    def remembered(self, at: AtLayer) -> Tensor | None:
        """(B, L) bool: prompt tokens whose keys and values stay for later groups and tokens; None: all processed ones."""
        return None

    def groups(self, at: AtLayer) -> Tensor | None:
        """(B, L) int64: with `remembered`, groups read one after the other; each sees itself and what is remembered."""
        return None

    def attended(self, at: AtLayer) -> Tensor | None:
        """(B, L) bool: prompt tokens that a later token may look at in this layer; None: all that are cached."""
        return None


@dataclass(eq=False)
class _State:
    """What became of the prompt in one layer: (B, n) its cached tokens, of which row b holds the first counts[b]."""

    columns: Tensor
    counts: Tensor

    def rows(self, batch: int) -> "_State":
        """Repeated for a prompt that is continued several times."""
        if batch == len(self.columns):
            return self
        times = batch // len(self.columns)
        return _State(self.columns.repeat_interleave(times, 0), self.counts.repeat_interleave(times, 0))

    @property
    def real(self) -> Tensor:
        """(B, n) bool: not padding."""
        return torch.arange(self.columns.shape[1], device=self.columns.device) < self.counts[:, None]


@dataclass(eq=False)
class LayerHooks:
    """A method attached to a model; per layer, over the rows the most prompt tokens that it `read` and that its cache `kept`."""

    method: LayerReducer
    frames: Tensor
    read: dict[int, int] = field(default_factory=dict)
    kept: dict[int, int] = field(default_factory=dict)
    _states: dict[int, _State] = field(default_factory=dict)
    _full: dict[int, Tensor] = field(default_factory=dict)

    def counted(self) -> tuple[list[int], list[int], float]:
        """`read` and `kept` layer by layer, and the share of the visual tokens in the cache that kept fewest.

        They are those of every row where the prompts' frames have equal sizes.
        """
        read, kept = ([found[layer] for layer in sorted(found)] for found in (self.read, self.kept))
        visual = int((self.frames[0] >= 0).sum())
        text = self.frames.shape[1] - visual
        return read, kept, (min(kept) - text) / visual if visual else 1.0

    def before(self, index: int, layer: nn.Module, args: tuple[Any, ...], given: dict[str, Any]) -> Any:
        """Forward pre-hook of layer `index`: what it will read."""
        hidden = args[0]
        cache = given.get("past_key_values")
        if cache is not None and cache.get_seq_length(index):
            return self._later(AtLayer(index, layer, hidden, given, self._frames(len(hidden))))
        if hidden.shape[1] != self.frames.shape[1]:
            raise ReductionError(
                f"frames: {tuple(self.frames.shape)} describe another prompt than the {hidden.shape[1]} tokens being read"
            )
        return self._prompt(AtLayer(index, layer, hidden, given, self._frames(len(hidden))))

    def after(self, index: int, given: dict[str, Any], output: Tensor) -> Tensor:
        """Forward hook of layer `index`: its output with the tokens that passed it by; its cache shortened after the prompt."""
        if index not in self._full:
            return output
        hidden, state = self._full.pop(index), self._states[index]
        cache = given.get("past_key_values")
        narrowed = output.shape[1] != hidden.shape[1]
        if cache is not None:
            shorten(cache, index, None if narrowed else state.columns, hidden.shape[1])
        # A row's padding repeats its first token, and so that token's output.
        return hidden.scatter(1, state.columns[..., None].expand_as(output), output) if narrowed else output

    def _frames(self, batch: int) -> Tensor:
        if batch % len(self.frames):
            raise ReductionError(f"frames: {len(self.frames)} prompts, but {batch} rows are being read")
        return self.frames.repeat_interleave(batch // len(self.frames), 0)

    def _prompt(self, at: AtLayer) -> Any:
        length, given = at.hidden.shape[1], dict(at.given)
        processed, remembered = self.method.processed(at), self.method.remembered(at)
        self.read[at.index] = length if processed is None else int(processed.sum(dim=1).max())
        if processed is not None and remembered is not None:
            raise ReductionError(f"{type(self.method).__name__}: a layer may be passed by or forget, not both")
        if remembered is not None:
            given["attention_mask"] = _grouped(at, remembered, self.method.groups(at))
            self._states[at.index], self._full[at.index] = _state(remembered), at.hidden
            self.kept[at.index] = int(remembered.sum(dim=1).max())
            return (at.hidden,), given
        if processed is None:
            self._states.pop(at.index, None)
            self.kept[at.index] = length
            return None
        state = _state(processed)
        self._states[at.index], self._full[at.index] = state, at.hidden
        self.kept[at.index] = int(state.counts.max())
        index = state.columns
        given["position_embeddings"] = tuple(
            _rows(part.expand(len(index), -1, -1), index) for part in given["position_embeddings"]
        )
        if given.get("position_ids") is not None:
            given["position_ids"] = given["position_ids"].expand(len(index), -1).gather(1, index)
        given["attention_mask"] = _narrowed(at, state)
        return (_rows(at.hidden, index),), given

    def _later(self, at: AtLayer) -> Any:
        attended = self.method.attended(at)
        state = self._states.get(at.index)
        state = None if state is None else state.rows(len(at.hidden))
        if attended is None and (state is None or (at.given["attention_mask"] is None and bool(state.real.all()))):
            return None
        given, length = dict(at.given), self.frames.shape[1]
        total = given["past_key_values"].get_seq_length(at.index) + at.hidden.shape[1]
        mask = given["attention_mask"]
        if mask is None:
            mask = causal_mask(at.hidden, total)
        mask = mask.expand(len(at.hidden), -1, -1, -1)
        if attended is not None:
            mask = _also(mask, torch.nn.functional.pad(attended, (0, total - length), value=True))
        if state is not None:
            own = mask[..., :length].gather(-1, state.columns[:, None, None].expand(-1, *mask.shape[1:3], -1))
            mask = torch.cat([_also(own, state.real), mask[..., length:]], dim=-1)
        given["attention_mask"] = mask
        return (at.hidden,), given


def _state(kept: Tensor) -> _State:
    """Indices of the kept tokens of each row, in order; a row with fewer repeats its first one at the end."""
    counts = kept.sum(dim=1)
    if not bool((counts > 0).all()):
        raise ReductionError("a layer would read a prompt of which no token is left")
    state = _State(kept.int().argsort(dim=1, descending=True, stable=True)[:, : int(counts.max())], counts)
    return _State(torch.where(state.real, state.columns, state.columns[:, :1]), counts)


def _rows(tensor: Tensor, index: Tensor) -> Tensor:
    """Rows `index` (B, n) of (B, L, d)."""
    return tensor.gather(1, index[..., None].expand(-1, -1, tensor.shape[2]))


def _also(mask: Tensor, allowed: Tensor) -> Tensor:
    """The mask (B, 1, q, k), where besides `allowed` (B, k) or (B, 1, q, k) must be True."""
    allowed = allowed if allowed.ndim == 4 else allowed[:, None, None]
    if mask.dtype == torch.bool:
        return mask & allowed
    return mask.masked_fill(~allowed, torch.finfo(mask.dtype).min)


def _narrowed(at: AtLayer, state: _State) -> Tensor | None:
    """The prompt's mask for the tokens of `state` alone; None where plain causal attention will do."""
    mask, index = at.given["attention_mask"], state.columns
    if mask is None and bool(state.real.all()):
        return None
    if mask is None:
        mask = causal_mask(at.hidden, at.hidden.shape[1])
    mask = mask.expand(len(index), -1, -1, -1)
    rows = mask.gather(2, index[:, None, :, None].expand(-1, mask.shape[1], -1, mask.shape[3]))
    return _also(rows.gather(3, index[:, None, None].expand(-1, mask.shape[1], index.shape[1], -1)), state.real)


def _grouped(at: AtLayer, remembered: Tensor, groups: Tensor | None) -> Tensor:
    """The prompt's mask when groups are read one after the other and forget before the next one comes."""
    if groups is None:
        raise ReductionError("a method that remembers only some tokens must say in which groups they are read")
    mask = at.given["attention_mask"]
    if mask is None:
        mask = causal_mask(at.hidden, at.hidden.shape[1])
    seen = remembered[:, None, :] | (groups[:, :, None] == groups[:, None, :])
    return _also(mask.expand(len(seen), -1, -1, -1), seen[:, None])


@contextmanager
def attached(model: Any, hooks: LayerHooks) -> Iterator[None]:
    """Put `hooks` on the decoder layers of a Qwen2Model; they may be taken off and put back between the tokens of an answer.

    Raises ReductionError for a model too shallow for the method or with an attention that takes no mask, and while a prompt of
    another length than the hooks' is read.
    """
    if len(model.layers) < hooks.method.layers:
        name = type(hooks.method).__name__
        raise ReductionError(f"layer: {name} needs {hooks.method.layers} layers as set, the model has {len(model.layers)}")
    if model.config._attn_implementation not in MASKED_ATTENTION:
        raise ReductionError(f"attention {model.config._attn_implementation!r} takes no mask; allowed: {MASKED_ATTENTION}")
    handles = []
    for index, layer in enumerate(model.layers):

        def before(module: nn.Module, args: Any, given: Any, index: int = index) -> Any:
            return hooks.before(index, module, args, given)

        def after(module: nn.Module, args: Any, given: Any, output: Tensor, index: int = index) -> Tensor:
            return hooks.after(index, given, output)

        handles.append(layer.register_forward_pre_hook(before, with_kwargs=True))
        handles.append(layer.register_forward_hook(after, with_kwargs=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def reduced_layers(model: Any, method: LayerReducer, frames: Tensor) -> Iterator[LayerHooks]:
    """Attach `method` to a Qwen2Model for prompts whose tokens belong to `frames` (B, L), -1 for text; errors as `attached`."""
    hooks = LayerHooks(method, frames)
    with attached(model, hooks):
        yield hooks
