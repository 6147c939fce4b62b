"""Several questions about one video in one conversation: each turn sees all before it, and the cache keeps what was read."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from transformers.cache_utils import DynamicCache

from framethrift.evaluation.decoding import video_inputs
from framethrift.evaluation.shown import Shown
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor


@dataclass(frozen=True)
class Turn:
    """One answer: its token ids without the end token, how many tokens were read for it before the first was written, and when
    that first one (or the end) was known, in seconds of the dialogue's watch."""

    ids: list[int]
    read: int
    first: float


class Dialogue:
    """A conversation of greedy answers behind one shown video.

    The video and every earlier turn are read once: a later turn costs its own tokens only, and the answers are those of
    reading everything again.
    """

    def __init__(
        self, model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, shown: Shown, watch: Stopwatch
    ) -> None:
        self._model, self._processor, self._shown, self._watch = model, processor, shown, watch
        self._cache = DynamicCache()
        self._unread: list[int] = []  # the last token of the answer before; nothing has been written behind it yet

    @torch.inference_mode()
    def ask(self, question: str, max_new_tokens: int) -> Turn:
        """The answer to the next question, of at most `max_new_tokens`.

        Raises ContextOverflow when the conversation no longer fits into the model's context.
        """
        before = self._cache.get_seq_length()
        logits = self._read([*self._unread, *self._processor.next_turn_ids(question)]) if before else self._read_first(question)
        read, token = self._cache.get_seq_length() - before, int(logits.argmax())
        first = self._watch.now()
        answer: list[int] = []
        self._unread = []
        while token != self._processor.tokenizer.eos_token_id:
            answer.append(token)
            if len(answer) == max_new_tokens:
                self._unread = [token]
                break
            token = int(self._read([token]).argmax())
        return Turn(answer, read, first)

    def _read_first(self, question: str) -> torch.Tensor:
        conversation = self._shown.conversation(self._processor, [question])
        ids = torch.tensor([[*conversation.prefix, *conversation.questions[0]]], device=self._model.device)
        given = {"past_key_values": self._cache, "use_cache": True, "logits_to_keep": 1}
        return self._model(input_ids=ids, **video_inputs([conversation]), **given).logits[0, -1]

    def _read(self, ids: Sequence[int]) -> torch.Tensor:
        """Logits behind `ids`, given as embeddings: the model may have written a token that stands for an image in a prompt."""
        embedded = self._model.get_input_embeddings()(torch.tensor([list(ids)], device=self._model.device))
        output = self._model(inputs_embeds=embedded, past_key_values=self._cache, use_cache=True, logits_to_keep=1)
        return output.logits[0, -1]
