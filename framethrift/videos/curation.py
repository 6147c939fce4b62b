"""Which training questions of a long-video set are kept: neither too easy nor too hard for the base model (MSJoE)."""

from collections import Counter

import pandas as pd

from framethrift.config.layout import Layout
from framethrift.config.long_video_qa import Difficulty
from framethrift.config.study import Study
from framethrift.files import replace_file
from framethrift.progress import say

KEPT, TOO_EASY, TOO_HARD = "kept", "too easy", "too hard"


def curate(study: Study, layout: Layout, variant: str, seed: int) -> None:
    """Write layout.curated(…): each rated question of the long-video sets with its pass rate by an MLLM variant, and its verdict.

    Columns: question_id, video_id, dataset, type, pass_rate, verdict. Raises FileNotFoundError where the pass rates are missing,
    ValueError when they lack a question of a re-encoded video.
    """
    rates = pd.read_parquet(layout.pass_rates(variant, seed))
    table = pd.concat(
        [
            _curated(layout, name, settings.difficulty, rates[rates["dataset"] == name])
            for name, settings in study.long_sets(variant).items()
        ],
        ignore_index=True,
    )
    target = layout.curated(variant, seed)
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, lambda path: table.to_parquet(path, index=False))
    counted = Counter(table["verdict"])
    say(f"[curate {variant} seed{seed}] " + ", ".join(f"{counted[verdict]} {verdict}" for verdict in (KEPT, TOO_EASY, TOO_HARD)))


def _curated(layout: Layout, name: str, limits: Difficulty, rates: pd.DataFrame) -> pd.DataFrame:
    questions = pd.read_parquet(layout.videos(name) / "questions.parquet")
    encoded = set(pd.read_parquet(layout.codec(name) / "videos.parquet", columns=["video_id"])["video_id"])
    asked = questions[(questions["split"] == "train") & questions["video_id"].isin(encoded)]
    missing = sorted(set(asked["question_id"]) - set(rates["question_id"]))
    if missing:
        raise ValueError(f"the pass rates lack {len(missing)} questions of {name!r}, {missing[0]!r} first: measure them again")
    table = asked[["question_id", "video_id", "dataset", "type"]].merge(rates[["question_id", "pass_rate"]], on="question_id")
    return table.assign(verdict=[verdict(float(rate), limits) for rate in table["pass_rate"]])


def verdict(pass_rate: float, limits: Difficulty) -> str:
    """What becomes of a question that the base model answers with this pass rate c in [0, 1]."""
    if pass_rate >= limits.too_easy:
        return TOO_EASY
    return TOO_HARD if limits.too_hard is not None and pass_rate <= limits.too_hard else KEPT
