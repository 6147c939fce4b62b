"""Loaders of official annotation files: one file per benchmark or family, one question table out."""

from collections.abc import Callable, Sequence
from pathlib import Path

from framethrift.published.annotations import (
    activitynetqa,
    cvrr_es,
    longvideobench,
    lvbench,
    mlvu,
    mvbench,
    nextqa,
    ovo_bench,
    perceptiontest,
    scans,
    streamingbench,
    tempcompass,
    tomato,
    video_mmmu,
    video_tt,
    videomme,
)
from framethrift.published.annotations.entry import Entries, Entry
from framethrift.published.annotations.records import AnnotationError

Loader = Callable[[Sequence[Path], str], Entries]

# By the names that config/sources.yaml gives to formats.
LOADERS: dict[str, Loader] = {
    "perceptiontest": perceptiontest.official,
    "perceptiontest_hub": perceptiontest.hub,
    "nextqa": nextqa.official,
    "nextqa_ig_vlm": nextqa.ig_vlm,
    "activitynetqa": activitynetqa.official,
    "activitynetqa_hub": activitynetqa.hub,
    "activitynetqa_ig_vlm": activitynetqa.ig_vlm,
    "videomme": videomme.hub,
    "tempcompass": tempcompass.official,
    "tempcompass_hub": tempcompass.hub,
    "tomato": tomato.official,
    "tomato_hub": tomato.hub,
    "cvrr_es": cvrr_es.official,
    "cvrr_es_hub": cvrr_es.hub,
    "cvrr_es_verdicts": cvrr_es.verdicts,
    "cvrr_es_predictions": cvrr_es.predictions,
    "mvbench": mvbench.official,
    "longvideobench": longvideobench.official,
    "lvbench": lvbench.official,
    "lvbench_hub": lvbench.hub,
    "lvbench_tspo": lvbench.tspo,
    "lvbench_clean": lvbench.clean,
    "video_tt": video_tt.hub,
    "video_mmmu": video_mmmu.official,
    "video_mmmu_hub": video_mmmu.hub,
    "scanqa": scans.scanqa,
    "sqa3d": scans.sqa3d,
    "mlvu": mlvu.official,
    "mlvu_hub": mlvu.hub,
    "ovo_bench": ovo_bench.official,
    "streamingbench": streamingbench.official,
}

__all__ = ["LOADERS", "AnnotationError", "Entry", "Loader"]
