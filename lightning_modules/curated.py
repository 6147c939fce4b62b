"""The questions that reinforcement learning sees of a long-video set: those that curation kept."""

from collections.abc import Sequence

import pandas as pd

from framethrift.config import Layout, Study
from framethrift.videos.curation import KEPT
from lightning_modules.rollouts import Asked


def kept(study: Study, layout: Layout, variant: str, seed: int, asked: Sequence[Asked]) -> list[Asked]:
    """Training questions of a sampler or joint variant without those that curation left out; other sets stay as they are.

    Raises ValueError when curation does not know a question, or kept none.
    """
    if not study.learnt_long_sets(variant):
        return list(asked)
    path = layout.curated(study.mllm_of(variant), seed)
    table = pd.read_parquet(path)
    verdicts = dict(zip(table["question_id"], table["verdict"], strict=True))
    unknown = [one.question_id for one in asked if one.question_id not in verdicts]
    if unknown:
        raise ValueError(f"{path} lacks {len(unknown)} questions, {unknown[0]!r} first: curate again")
    found = [one for one in asked if verdicts[one.question_id] == KEPT]
    if not found:
        raise ValueError(f"curation kept none of {len(asked)} questions: loosen the dataset's difficulty.too_easy and too_hard")
    return found
