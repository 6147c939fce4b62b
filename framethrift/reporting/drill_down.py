"""The questions behind each cell: one page and one data file per cell, opened from disk."""

import json
from math import isnan
from typing import Any

from framethrift.evaluation.labels import LABELS
from framethrift.reporting.entries import accuracy_entry, questions_page
from framethrift.reporting.labels import row_label, variant_label
from framethrift.reporting.results import Cell
from framethrift.reporting.site import Site

_KEPT = (
    *("question_id", "video_id", "part", "type", "question", "options", "answer", "raw", "parsed", "score", "visual_tokens"),
    "queries",
)


def write_questions(site: Site, cell: Cell) -> None:
    """Write questions/<cell>.html and its data, questions/<cell>.js; prompts stay in the per-question file the page links to."""
    study, key, facts = site.sources.study, cell.key, site.sources.facts
    page, data = questions_page(cell), f"questions/{key.slug}.js"
    several = len(cell.files) > 1
    labels = site.sources.labels.get(key.variant, {}).get(key.benchmark, {}).get("questions", {})
    rows = [_row(row, several, labels.get(row["question_id"])) for row in cell.rows.to_dict("records")]
    content = {
        "rows": rows,
        "duration": {video: facts.duration[video] for video in sorted(set(cell.rows["video_id"])) if video in facts.duration},
        "evidence": {
            row["question_id"]: facts.evidence[row["question_id"]] for row in rows if facts.evidence.get(row["question_id"])
        },
    }
    site.folder.write(data, f"window.cell = {json.dumps(content, ensure_ascii=False, separators=(',', ':'))};\n")
    site.write(
        page,
        "questions.html.j2",
        key=key,
        benchmark=site.sources.title(key.benchmark),
        model=variant_label(study, key.variant),
        shown=row_label(study, (key.variant, key.sampling)),
        accuracy=accuracy_entry(cell),
        questions=len(cell.scores),
        videos=cell.accuracy.clusters,
        unparsable=cell.unparsable,
        failed=cell.failed,
        short=cell.short,
        lmms=cell.lmms,
        differing=len(cell.differing),
        files={seed: site.folder.link(path, page) for seed, path in cell.files.items()},
        kinds=sorted(cell.rows["type"].unique()),
        parts=sorted(set(cell.rows["part"]) - {""}),
        labels=[name for name in LABELS if name in labels.values()],
        data=site.folder.link(data, page),
    )


def _row(row: dict[str, Any], several: bool, label: str | None) -> dict[str, Any]:
    kept = {name: row[name] for name in _KEPT}
    kept["shown"] = [[item["time"], item["kind"]] for item in row["shown"]]
    theirs = row["lmms_score"]
    kept["theirs"] = None if theirs is None or isnan(theirs) else theirs  # a column with gaps holds NaN for them
    return kept | ({"seed": row["seed"]} if several else {}) | ({"label": label} if label else {})
