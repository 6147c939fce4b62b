"""A filmstrip of one re-encoded video: I-frames, motion vectors, residuals and where Δ-tokens stand (CoPE Fig. 5)."""

from pathlib import Path

from framethrift.codec import VideoRejected
from framethrift.config.rows import stream_rows, uses_delta
from framethrift.reporting.cell_file import read_columns
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.sources import Sources

KINDS = ("png", "pdf")


def filmstrip_video(sources: Sources) -> tuple[str, str, Path, int] | None:
    """(dataset, video id, file, fusion window) of the first test video, by id, that a variant with Δ-tokens is tested on."""
    study, layout = sources.study, sources.layout
    datasets = [name for variant, _ in stream_rows(study) if uses_delta(study, variant) for name in study.dataset_of(variant)]
    for dataset in dict.fromkeys(datasets):
        table = layout.codec(dataset) / "videos.parquet"
        videos, _ = read_columns(table, ["video_id", "split", "path", "window"], f"filmstrip of {dataset}")
        if videos is None:
            continue
        held_out = videos[videos["split"] == "test"].sort_values("video_id")
        if len(held_out):
            row = held_out.iloc[0]
            return dataset, str(row["video_id"]), layout.root / row["path"], int(row["window"])
    return None


def draw_filmstrip_files(path: Path, window: int, folder: ReportFolder, name: str) -> str | None:
    """Draw figures/<name>.png and .pdf; why not, when the video cannot be read."""
    from framethrift.codec.filmstrip import draw_filmstrip

    targets = [f"figures/{name}.{kind}" for kind in KINDS]
    try:
        draw_filmstrip(path, [folder.path(target) for target in targets], window)
    except (VideoRejected, OSError) as error:
        return f"Not drawn: {error}"
    folder.written.update(targets)
    return None
