"""The MLLM's side of MSJoE: writing visual queries from previews, and answering from the selected frames (MSJoE 1.2)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from string import ascii_uppercase
from typing import Any

import torch
import yaml

from framethrift.models.completions import Completions, Engine, OwnEngine, Prompt, Speaker, Writing
from framethrift.tokens import StreamItem

MAX_QUERIES = 4
QUERY_TOKENS = 64  # four queries of a dozen words
ANSWER_TOKENS = 4  # a word or a letter and the token that ends it, with room to be wrong

_QUERIES = re.compile(rf"(?:<query>[^<>]+</query>\s*){{1,{MAX_QUERIES}}}")
_QUERY = re.compile(r"<query>([^<>]+)</query>")


@lru_cache
def load_prompts() -> dict[str, Any]:
    """prompts.yaml: its version and its wordings by name."""
    return yaml.safe_load(resources.files("framethrift.models").joinpath("prompts.yaml").read_text(encoding="utf-8"))


def query_prompt(question: str, wording: str = "short") -> str:
    """What the MLLM is asked when it shall write queries for `question`. Raises ValueError for an unknown wording."""
    wordings = load_prompts()["wordings"]
    if wording not in wordings:
        raise ValueError(f"wording {wording!r} is not in prompts.yaml; allowed: {sorted(wordings)}")
    return wordings[wording]["queries"].format(question=question)


def lettered_prompt(question: str, options: Sequence[str]) -> str:
    """What the MLLM is asked when it shall name the letter of one of `options`."""
    listed = "\n".join(f"{letter}. {option}" for letter, option in zip(ascii_uppercase, options, strict=False))
    return load_prompts()["lettered"].format(question=question, options=listed)


def format_queries(queries: Sequence[str]) -> str:
    """The text that says `queries`: <query>a red square</query><query>a blue disc</query>.

    Raises ValueError when `parse_queries` could not read them back: none, too many, empty ones, or angle brackets in one.
    """
    text = "".join(f"<query>{query}</query>" for query in queries)
    if not queries or parse_queries(text) != list(queries):
        raise ValueError(f"queries {list(queries)}: expected 1 to {MAX_QUERIES}, none empty or padded, without < and >")
    return text


def parse_queries(text: str) -> list[str]:
    """The queries in the MLLM's text; [] where it breaks the format: nothing but 1 to 4 <query>…</query>, none empty.

    Strict on purpose: the format reward means something only if nothing is repaired.
    """
    if _QUERIES.fullmatch(text.strip()) is None:
        return []
    queries = [query.strip() for query in _QUERY.findall(text)]
    return queries if all(queries) else []


def scoring_queries(text: str, question: str) -> list[str]:
    """What the frames are scored with: the queries of the MLLM's text, or the bare question where it has none.

    The paper does not say what happens to an unparsable text. The question keeps the rollout defined; it earns no format reward.
    """
    return parse_queries(text) or [question]


def prompt_texts() -> list[str]:
    """Texts of the short wording, for training a study's tokenizer: the prompt's frame and the queries' tags."""
    return [query_prompt(""), format_queries(["a", "b"])]


@dataclass(frozen=True, eq=False)
class Written:
    """What was written behind B prompts, n times each: texts (B·n), sample by sample within a prompt, and their tokens."""

    prompts: list[Prompt]
    texts: list[str]
    completions: Completions


class Reasoner:
    """An MLLM that writes queries and answers, given image embeddings computed once (`image_embeddings` of the model).

    `processor` is the model's own; a subclass says how a prompt of another class of models is put together. `engine` writes.
    """

    def __init__(self, model: Speaker, processor: Any, wording: str = "short") -> None:
        self.model, self._processor, self._wording = model, processor, wording
        self.engine: Engine = OwnEngine(model)
        self._prefixes: dict[tuple[int, int], list[int]] = {}
        self._turns: dict[str, list[int]] = {}

    @property
    def pad_id(self) -> int:
        """The token that fills rows."""
        return self._processor.tokenizer.pad_token_id

    def query_prompts(self, questions: Sequence[str], previews: Sequence[Any]) -> list[Prompt]:
        """Prompts for the queries of B questions with previews (B, P, g·g, d_llm), P may be 0."""
        return [
            self._prompt(query_prompt(question, self._wording), shown)
            for question, shown in zip(questions, previews, strict=True)
        ]

    def answer_prompts(self, questions: Sequence[str], frames: Sequence[Any]) -> list[Prompt]:
        """Prompts for the answers to B questions with key frames (B, K, g·g, d_llm): previews are not shown again (MSJoE 1.2)."""
        return [self._prompt(question, shown) for question, shown in zip(questions, frames, strict=True)]

    def write_queries(
        self,
        questions: Sequence[str],
        previews: Sequence[Any],
        samples: int = 1,
        temperature: float = 0.0,
        generator: torch.Generator | None = None,
    ) -> Written:
        """Query texts, `samples` per question behind one shared prefill; temperature 0 is greedy."""
        return self._write(self.query_prompts(questions, previews), QUERY_TOKENS, samples, temperature, generator)

    def answer(
        self, questions: Sequence[str], frames: Sequence[Any], temperature: float = 0.0, generator: torch.Generator | None = None
    ) -> Written:
        """One answer per question and its key frames; temperature 0 is greedy."""
        return self._write(self.answer_prompts(questions, frames), ANSWER_TOKENS, 1, temperature, generator)

    def _prompt(self, text: str, images: Any) -> Prompt:
        """The prompt of a user's turn behind its images: embeddings (n, g·g, d_llm)."""
        shown = len(images), round(images.shape[1] ** 0.5)
        if shown not in self._prefixes:
            stream = self._processor.expand([StreamItem("I", 0, 0, 0.0)] * shown[0], [shown[1]] * shown[0])
            self._prefixes[shown] = self._processor.prefix_ids(stream)
        if text not in self._turns:
            self._turns[text] = self._processor.question_ids(text)
        return Prompt((*self._prefixes[shown], *self._turns[text]), images)

    def _write(
        self, prompts: list[Prompt], longest: int, samples: int, temperature: float, generator: torch.Generator | None
    ) -> Written:
        tokenizer = self._processor.tokenizer
        how = Writing(longest, tokenizer.pad_token_id, tokenizer.eos_token_id, samples, temperature, generator)
        completions = self.engine.complete(prompts, how)
        return Written(prompts, [tokenizer.decode(row) for row in completions.ids(without=tokenizer.eos_token_id)], completions)
