"""The answers of all cells of a benchmark, question by question, in pieces that a page loads when it shows them."""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from math import isnan
from typing import Any

from framethrift.reporting.cell_file import Shown
from framethrift.reporting.results import Cell

PIECE = 200_000  # characters of a data file
# What a cell's answers to one question were, over its seeds: bits, written as one character each.
RIGHT, WRONG, UNPARSABLE, DIFFERS, PARTLY = 1, 2, 4, 8, 16
_FACTS = ("video_id", "part", "type", "question", "options", "answer")
_ANSWERS = ("question_id", "seed", "shown", "visual_tokens", "raw", "parsed", "score", "lmms_score", "queries")


class QuestionData:
    """Questions in the order of the first cell that asked them, at most `limit`, with what every cell answered."""

    def __init__(self, cells: Sequence[Cell], limit: int | None = None) -> None:
        self.cells = cells
        self.facts: dict[str, dict[str, Any]] = {}
        self.total = len({question for cell in cells for question in cell.rows["question_id"]})
        for cell in cells:
            fresh = cell.rows[~cell.rows["question_id"].isin(self.facts.keys())].drop_duplicates("question_id")
            for question, *facts in fresh[["question_id", *_FACTS]].itertuples(index=False):
                if limit is None or len(self.facts) < limit:
                    self.facts[question] = dict(zip(_FACTS, facts, strict=True))
        self._places = {question: number for number, question in enumerate(self.facts)}
        self._shown: list[dict[Shown, int]] = [{} for _ in self.facts]
        self._queries: list[dict[str, int]] = [{} for _ in self.facts]
        self._said: list[list[str]] = [[] for _ in self.facts]
        self.outcomes = [self._read(number, cell) for number, cell in enumerate(cells)]

    def _read(self, number: int, cell: Cell) -> str:
        """Take in a cell's answers; return one character per question: '0' plus the bits of its outcomes."""
        bits = [0] * len(self.facts)
        told: dict[int, list[list[Any]]] = {}
        for question, seed, shown, tokens, raw, parsed, score, theirs, queries in zip(
            *(cell.rows[name].tolist() for name in _ANSWERS), strict=True
        ):
            place = self._places.get(question)
            if place is None:
                continue
            parsed, theirs = _gap(parsed), _gap(theirs)
            differs = theirs is not None and theirs != score
            whole = RIGHT if score == 1 else WRONG if score == 0 else PARTLY
            bits[place] |= (UNPARSABLE if parsed is None else whole) | (DIFFERS if differs else 0)
            entry = [seed, self._shown[place].setdefault(shown, len(self._shown[place])), tokens, raw]
            entry += [1 if parsed == raw else parsed, score]
            if queries or differs:
                entry.append(theirs if differs else None)
            if queries:
                entry.append(self._queries[place].setdefault("; ".join(queries), len(self._queries[place])))
            told.setdefault(place, []).append(entry)
        for place, entries in told.items():
            self._said[place].append(f'"{number}":{compact(entries)}')
        return "".join(chr(ord("0") + found) for found in bits)

    @property
    def moments(self) -> dict[str, Counter[float]]:
        """Per video, in the questions' order, how many ways of showing it used each moment (seconds)."""
        found: dict[str, Counter[float]] = {}
        for facts, shown in zip(self.facts.values(), self._shown, strict=True):
            counter = found.setdefault(facts["video_id"], Counter())
            for way in shown:
                counter.update({time for time, _ in way})
        return {video: counter for video, counter in found.items() if counter}

    def answers(self) -> Iterator[str]:
        """Per question, as JSON: the ways it was shown, the queries, and every cell's answers by the cell's number.

        A way is [times, kinds]; an answer [seed, way, tokens, raw, parsed, score, lmms-eval's score, queries] with 1 for parsed
        as written, null for unparsable, and no end where lmms-eval agrees and no query was made.
        """
        for shown, queries, said in zip(self._shown, self._queries, self._said, strict=True):
            ways = [[[time for time, _ in way], "".join(kind for _, kind in way)] for way in shown]
            yield f"[{compact(ways)},{compact(list(queries))},{{{','.join(said)}}}]"


def pieces(rows: Iterator[str]) -> Iterator[tuple[int, str]]:
    """JSON texts joined to lists of about PIECE characters, with the number of each list's first row."""
    held: list[str] = []
    first, size = 0, 0
    for number, row in enumerate(rows):
        if held and size + len(row) > PIECE:
            yield first, f"[{','.join(held)}]"
            first, held, size = number, [], 0
        held.append(row)
        size += len(row)
    if held:
        yield first, f"[{','.join(held)}]"


def _gap(value: Any) -> Any:
    """The value, None for what pandas holds in place of None."""
    return None if isinstance(value, float) and isnan(value) else value


def compact(content: Any) -> str:
    """JSON without spaces."""
    return json.dumps(content, ensure_ascii=False, separators=(",", ":"))
