"""Next-frame retrieval with a pre-trained Δ-encoder (CoPE Supp. H.6, Table H.6).

The query is a frame with the codec primitives that lead to the next one; the pool is every shown frame of the same video but
the query; a hit is the true next frame, not one that looks like it. Rows are ranked by the cosine of flattened tower tokens.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from framethrift.codec import FusedVideo, read_video
from framethrift.config import Layout, Study
from framethrift.evaluation.statistics import accuracy, paired_difference
from framethrift.files import write_json
from framethrift.models.delta_pretrainer import DeltaPretrainer, load_delta_pretrainer
from framethrift.models.folder import verify
from framethrift.models.primitives import resize_primitives
from framethrift.models.vision import load_tower, preprocess, tower_features
from framethrift.progress import Progress

CUTOFFS = (1, 2, 5)
COPY, PREDICT = "current frame", "Δ-encoder"
POOL = (
    "Pool: all shown frames of the same video but the query; a hit is the true next frame. Only windows with motion are queries."
)
STILL = 0.01  # a window moves when more than this share of its vector components is not zero


@dataclass(frozen=True)
class Ranks:
    """Rank (1 = best) of the true next frame for every query of a dataset, per method, with each query's video."""

    videos: list[str]
    ranks: dict[str, list[int]]


def evaluate_retrieval(study: Study, layout: Layout, name: str, seed: int) -> None:
    """Measure recall at 1, 2 and 5 on the test videos of the Δ-encoder's datasets and write retrieval/<name>/seed<k>.json.

    Raises ValueError when no test video has a window with motion.
    """
    verify(layout.delta(name, seed))
    pretrainer = load_delta_pretrainer(layout.delta(name, seed)).eval()
    models = study.models_of(name)
    tower = load_tower(layout.vision, models.vision.drop_layers).eval()
    facts: dict[str, Any] = {"pool": POOL, "methods": {}, "difference": {}}
    for dataset in study.training_of(name).delta.datasets:
        rows = pd.read_parquet(layout.codec(dataset) / "videos.parquet")
        found = _rank(
            rows[rows["split"] == "test"], layout.root, tower, pretrainer, models.vision.image_size, f"retrieval {name} {dataset}"
        )
        if found.videos:
            suffix = "" if not facts["methods"] else f" · {dataset}"
            facts["methods"] |= {f"{method}{suffix}": _recalls(found, method, study.bootstrap) for method in (COPY, PREDICT)}
            facts["difference"] = facts["difference"] or _differences(found, study.bootstrap)
    if not facts["methods"]:
        raise ValueError(f"datasets {study.training_of(name).delta.datasets}: no test video has a window with motion")
    write_json(layout.retrieval(name, seed), facts)


def _rank(rows: pd.DataFrame, root: Path, tower: Any, pretrainer: DeltaPretrainer, image_size: int, title: str) -> Ranks:
    found = Ranks([], {COPY: [], PREDICT: []})
    with Progress(title, len(rows), "videos") as progress:
        for row in rows.itertuples():
            video = read_video(root / str(row.path), int(row.window), b_frames=bool(row.b_frames))
            for ranks in rank_video(video, tower, pretrainer, image_size):
                found.videos.append(str(row.video_id))
                for method, rank in ranks.items():
                    found.ranks[method].append(rank)
            progress.advance()
    return found


@torch.no_grad()
def rank_video(video: FusedVideo, tower: Any, pretrainer: DeltaPretrainer, image_size: int) -> Iterator[dict[str, int]]:
    """For every window of a video that moves, the rank of its target frame by copying the query's tokens and by prediction."""
    moving = [
        (gop, slot)
        for gop, slot in np.argwhere(video.valid).tolist()
        if slot and np.count_nonzero(video.motion[gop, slot - 1]) > STILL * video.motion[gop, slot - 1].size
    ]
    if not moving:
        return
    place = {tuple(where): index for index, where in enumerate(np.argwhere(video.valid).tolist())}
    tokens = tower_features(tower, preprocess(video.frames[video.valid], image_size))
    motion = np.stack([video.motion[gop, slot - 1] for gop, slot in moving])
    residual = np.stack([video.residual[gop, slot - 1] for gop, slot in moving])
    queries = tokens[[place[gop, slot - 1] for gop, slot in moving]]
    predicted = pretrainer(queries, *resize_primitives(motion, residual, pretrainer.encoder.settings.image_size))
    pool = _unit(tokens)
    scores = {COPY: _unit(queries) @ pool.T, PREDICT: _unit(predicted) @ pool.T}
    for index, (gop, slot) in enumerate(moving):
        query, target = place[gop, slot - 1], place[gop, slot]
        yield {method: rank_of(values[index].numpy(), target, query) for method, values in scores.items()}


def rank_of(scores: NDArray[np.float32], target: int, query: int) -> int:
    """Rank of `target` among all frames but `query`; a tie counts against the target."""
    others = np.delete(scores, [query, target])
    return 1 + int((others >= scores[target]).sum())


def _unit(tokens: torch.Tensor) -> torch.Tensor:
    return torch.nn.functional.normalize(tokens.flatten(1), dim=1)


def _hits(found: Ranks, method: str, cutoff: int) -> list[float]:
    return [float(rank <= cutoff) for rank in found.ranks[method]]


def _recalls(found: Ranks, method: str, resamples: int) -> dict[str, Any]:
    return {f"recall@{k}": asdict(accuracy(_hits(found, method, k), found.videos, resamples=resamples)) for k in CUTOFFS}


def _differences(found: Ranks, resamples: int) -> dict[str, Any]:
    return {
        f"recall@{k}": asdict(
            paired_difference(_hits(found, PREDICT, k), _hits(found, COPY, k), found.videos, resamples=resamples)
        )
        for k in CUTOFFS
    }
