"""The inspection page of ingested clips: what the codec says about each."""

from typing import Any

from framethrift.codec import VideoRejected
from framethrift.config import Study
from framethrift.config.data import Clips
from framethrift.reporting.cell_file import read_columns
from framethrift.reporting.folder import slug
from framethrift.reporting.site import Site

COLUMNS = ["video_id", "path", "split", "duration", "frames", "fps", "gop", "window", "width", "height"]
LIMIT = 24  # clips drawn per dataset; more would make the page slow and say nothing new


def clip_datasets(study: Study) -> list[str]:
    """Datasets made of anybody's clips."""
    return [name for name, dataset in study.datasets.items() if isinstance(dataset, Clips)]


def write_clips(site: Site, datasets: list[str]) -> None:
    """Write inspection.html and its pictures, clips/<dataset>-<video>.png."""
    shown: dict[str, list[dict[str, Any]]] = {}
    for dataset in datasets:
        table = site.sources.layout.codec(dataset) / "videos.parquet"
        videos, wrong = read_columns(table, COLUMNS, f"clips of {dataset}")
        if videos is None:
            shown[dataset] = [{"video_id": dataset, "facts": "", "missing": f"Not drawn: {wrong[0].what}."}]
            continue
        rows = videos.sort_values("video_id").head(LIMIT).to_dict("records")
        shown[dataset] = [_clip(site, dataset, row) for row in rows]
        if len(videos) > LIMIT:
            shown[dataset].append({"video_id": "…", "facts": "", "missing": f"{len(videos) - LIMIT} more clips are not drawn."})
    site.write("inspection.html", "inspection.html.j2", datasets=shown)


def _clip(site: Site, dataset: str, row: dict[str, Any]) -> dict[str, Any]:
    from framethrift.codec.inspect import draw_inspection

    picture = f"clips/{slug(dataset)}-{slug(row['video_id'])}.png"
    facts = (
        f"{row['duration']:.1f} s, {row['frames']} frames of {row['width']}×{row['height']} at {row['fps']:g} frames/s, "
        f"GOP {row['gop']}, fusion window {row['window']}, split {row['split']}"
    )
    missing = None
    try:
        draw_inspection(site.sources.layout.root / row["path"], site.folder.path(picture), row["window"])
        site.folder.written.add(picture)
    except (VideoRejected, OSError) as error:
        missing = f"Not drawn: {error}"
    return {"video_id": row["video_id"], "facts": facts, "picture": picture, "missing": missing}
