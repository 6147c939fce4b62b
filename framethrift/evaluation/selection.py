"""Videos shown as K frames that a frame selector picks per question (MSJoE 1.2, and every rival)."""

from collections.abc import Sequence

import torch
from torch import Tensor

from framethrift.codec import read_frames
from framethrift.config.sampling import Select
from framethrift.config.training import KeyFrames
from framethrift.evaluation.decoding import decode
from framethrift.evaluation.picking import FramePicker, Picked, Scoring
from framethrift.evaluation.portions import MOST, portions
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import NOTHING, Ask, Shown, View
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.reasoning import QUERY_TOKENS, query_prompt
from framethrift.models.sampler import FrameSampler
from framethrift.tokens import StreamItem, frames_budget, require_fit, token_budget


class SelectViewer:
    """Shows frames picked by a selector to one model; the same model writes the visual queries from low-resolution previews."""

    def __init__(
        self,
        model: CopeVideoForConditionalGeneration,
        processor: CopeVideoProcessor,
        sampling: Select,
        watch: Stopwatch,
        *,
        key_frames: KeyFrames,
        scoring: Scoring | None = None,
        sampler: FrameSampler | None = None,
        draw: bool = False,
        seed: int = 0,
        name: str = "",
    ) -> None:
        self._model, self._processor, self._watch = model, processor, watch
        # Reducers leave less than is looked at; what they leave the model checks itself.
        self._name = "" if sampling.reducer else name or sampling.model_dump_json(exclude_defaults=True)
        self._frames, self._preview_grid = sampling.frames, key_frames.preview_grid
        self._grid = key_frames.grid or processor.grid
        self._pick = FramePicker(
            sampling,
            watch,
            previews=key_frames.previews,
            scoring=scoring,
            write=self._write,
            sampler=sampler,
            draw=draw,
            seed=seed,
        )
        self._features: dict[EncodedVideo, dict[int, Tensor]] = {}

    @torch.inference_mode()
    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`.

        Raises SelectionError when the selector lacks an input, VideoRejected for a bad file, ContextOverflow for more frames than
        the model reads.
        """
        self._features = {ask.video: {} for ask in asks}
        picked = self._pick(asks)
        planned = [self._planned(ask, own) for ask, own in zip(asks, picked, strict=True)]
        for ask, items in zip(asks, planned, strict=True):
            self._require_fit(ask, items)
        self._encode(asks, picked)
        # Both: two spans make two plans of the same frames, and two frames may stand at the same slot of a plan.
        keys = [(ask.video, own.places, items, self._grids(own)) for ask, own, items in zip(asks, picked, planned, strict=True)]
        known = {key: self._shown(*key) for key in dict.fromkeys(keys)}
        self._features = {}
        return [View(known[key], own.queries, own.text) for key, own in zip(keys, picked, strict=True)]

    def _planned(self, ask: Ask, own: Picked) -> tuple[StreamItem, ...]:
        """What a question is shown of its chosen frames' video, in order."""
        return _key_frames(own)

    def _grids(self, own: Picked) -> tuple[int, ...]:
        """Side of each chosen frame's pooled grid."""
        return (self._grid,) * len(own.places)

    def _require_fit(self, ask: Ask, items: Sequence[StreamItem]) -> None:
        if self._name:
            context, text = self._model.config.text_config.max_position_embeddings, self._processor.text_tokens(ask.question)
            require_fit(items, self._processor.costs(self._grid), context, text, self._name, "frames")

    def cost(self, ask: Ask) -> int:
        """Visual tokens that `ask` will be shown at most; nothing is decoded."""
        return self._frames * self._processor.costs(self._grid).i_frame

    def _write(self, asks: Sequence[Ask], previews: Sequence[Picked]) -> list[str]:
        """The model's text of visual queries per question, from previews that questions about one clip share."""
        self._encode(asks, previews)
        together: dict[tuple[EncodedVideo, tuple[int, ...]], list[int]] = {}
        for index, (ask, own) in enumerate(zip(asks, previews, strict=True)):
            together.setdefault((ask.video, own.places), []).append(index)
        conversations = []
        for (video, places), indices in together.items():
            items, grids = _key_frames(previews[indices[0]]), (self._preview_grid,) * len(places)
            shown = self._shown(video, places, items, grids) if places else NOTHING
            conversations.append(shown.conversation(self._processor, [query_prompt(asks[index].about) for index in indices]))
        tokenizer = self._processor.tokenizer
        with self._watch("reason"):
            written = decode(self._model, tokenizer, conversations, QUERY_TOKENS)
        texts = [""] * len(asks)
        for indices, answers in zip(together.values(), written, strict=True):
            for index, ids in zip(indices, answers, strict=True):
                texts[index] = tokenizer.decode(ids)
        return texts

    def _encode(self, asks: Sequence[Ask], picked: Sequence[Picked]) -> None:
        """Tower features of the picked frames that have none yet."""
        wanted: dict[EncodedVideo, dict[int, float]] = {}
        for ask, own in zip(asks, picked, strict=True):
            wanted.setdefault(ask.video, {}).update(zip(own.places, own.times, strict=True))
        for video, frames in wanted.items():
            features = self._features[video]
            new = sorted(frames.keys() - features.keys())
            for start in range(0, len(new), MOST):
                places = new[start : start + MOST]
                with self._watch("read"):
                    pictures = read_frames(video.path, [frames[place] for place in places])
                for part in portions(len(places), self._processor.image_size, self._model.device):
                    with self._watch("vision"):
                        found = self._model.vision_features(self._processor.pixels(pictures[part]).to(self._model.device))
                    features.update(zip(places[part], found, strict=True))

    def _shown(self, video: EncodedVideo, places: Sequence[int], items: tuple[StreamItem, ...], grids: tuple[int, ...]) -> Shown:
        """A plan whose I-frames are the encoded frames at `places`, pooled to `grids`."""
        features = torch.stack([self._features[video][place] for place in places])
        fused = [item for item in items if item.kind == "P"]
        deltas = self._fused(video, fused)
        cost = frames_budget(grids) + token_budget(fused, self._processor.costs())
        return Shown(items, self._processor.expand(items, grids), features, grids, deltas, cost)

    def _fused(self, video: EncodedVideo, items: Sequence[StreamItem]) -> Tensor | None:
        """Δ-embeddings (n_P, N, d_llm) of a plan's P-frames, of which there are none here."""
        return None


def _key_frames(picked: Picked) -> tuple[StreamItem, ...]:
    return tuple(StreamItem("I", 0, place, time) for place, time in zip(picked.places, picked.times, strict=True))
