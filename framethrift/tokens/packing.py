"""Packing several questions about one video behind one visual prefix.

Every question sees the prefix and itself, never another question: the result equals one forward pass per question,
at the cost of one prefix. Training and evaluation share it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

PREFIX = 0
PAD = -1
IGNORED = -100


@dataclass(frozen=True)
class Packed:
    """A right-padded batch of packed conversations, all arrays (B, L).

    `segments` is 0 on the prefix, q ≥ 1 on the q-th question and its answer, -1 on padding; `labels` is -100 except on answers.
    """

    input_ids: np.ndarray
    position_ids: np.ndarray
    labels: np.ndarray
    segments: np.ndarray

    def attention(self) -> np.ndarray:
        """Boolean mask (B, 1, L, L): True where the row's token may look at the column's token."""
        rows, columns = self.segments[:, :, None], self.segments[:, None, :]
        causal = np.tri(self.segments.shape[1], dtype=bool)
        allowed = causal & ((columns == PREFIX) | (columns == rows)) & (columns != PAD)
        # A padding row looks at itself: a row without any True would turn into NaN.
        return (allowed | np.eye(self.segments.shape[1], dtype=bool))[:, None]


def pack(
    prefixes: Sequence[Sequence[int]], questions: Sequence[Sequence[tuple[Sequence[int], Sequence[int]]]], pad_id: int
) -> Packed:
    """Pack, per conversation, a prefix and its (question tokens, answer tokens) pairs.

    Raises ValueError when a conversation has no question or the two sequences differ in length.
    """
    if len(prefixes) != len(questions):
        raise ValueError(f"{len(prefixes)} prefixes for {len(questions)} lists of questions")
    rows = []
    for index, (prefix, pairs) in enumerate(zip(prefixes, questions, strict=True)):
        if not pairs:
            raise ValueError(f"conversation {index} has no question")
        ids, labels = list(prefix), [IGNORED] * len(prefix)
        positions, segments = list(range(len(prefix))), [PREFIX] * len(prefix)
        for number, (question, answer) in enumerate(pairs, start=1):
            length = len(question) + len(answer)
            ids += [*question, *answer]
            labels += [IGNORED] * len(question) + list(answer)
            positions += range(len(prefix), len(prefix) + length)
            segments += [number] * length
        rows.append((ids, positions, labels, segments))
    longest = max(len(row[0]) for row in rows)
    columns = [
        np.array([list(row[field]) + [fill] * (longest - len(row[field])) for row in rows], dtype=np.int64)
        for field, fill in enumerate((pad_id, 0, IGNORED, PAD))
    ]
    return Packed(*columns)
