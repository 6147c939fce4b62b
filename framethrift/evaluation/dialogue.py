"""Several questions about one video in one conversation: each turn sees all before it, and the cache keeps what was read."""

from collections.abc import Sequence

import torch
from transformers.cache_utils import DynamicCache

from framethrift.evaluation.decoding import video_inputs
from framethrift.evaluation.shown import Shown
from framethrift.models.modelling import CopeVideoForConditionalGeneration
from framethrift.models.processing import CopeVideoProcessor


class Dialogue:
    """A conversation of greedy answers behind one shown video.

    The video and every earlier turn are read once: a later turn costs its own tokens only, and the answers are those of
    reading everything again.
    """

    def __init__(self, model: CopeVideoForConditionalGeneration, processor: CopeVideoProcessor, shown: Shown) -> None:
        self._model, self._processor, self._shown = model, processor, shown
        self._cache = DynamicCache()
        self._unread: list[int] = []  # the last token of the answer before; nothing has been written behind it yet

    @torch.inference_mode()
    def ask(self, question: str, max_new_tokens: int) -> list[int]:
        """Token ids of the answer to the next question, without the end token; at most `max_new_tokens`.

        Raises ContextOverflow when the conversation no longer fits into the model's context.
        """
        first = self._cache.get_seq_length() == 0
        logits = self._read_first(question) if first else self._read([*self._unread, *self._processor.next_turn_ids(question)])
        answer: list[int] = []
        while len(answer) < max_new_tokens:
            token = int(logits.argmax())
            if token == self._processor.tokenizer.eos_token_id:
                self._unread = []
                return answer
            answer.append(token)
            if len(answer) < max_new_tokens:
                logits = self._read([token])
        self._unread = answer[-1:]
        return answer

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
