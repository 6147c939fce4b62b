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
    mllm = study.mllm_of(variant)
    if not set(study.dataset_of(variant)) & set(study.long_sets(mllm)):
        return list(asked)
    table = pd.read_parquet(layout.curated(mllm, seed))
    verdicts = dict(zip(table["question_id"], table["verdict"], strict=True))
    unknown = [one.question_id for one in asked if one.question_id not in verdicts]
    if unknown:
        raise ValueError(f"{layout.curated(mllm, seed)} lacks {len(unknown)} questions, {unknown[0]!r} first: curate again")
    found = [one for one in asked if verdicts[one.question_id] == KEPT]
    if not found:
        raise ValueError(f"curation kept none of {len(asked)} questions: loosen the dataset's difficulty.too_easy and too_hard")
    return found
