"""The statistics page of long-video question sets: videos, questions, what was left out and why, difficulty."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from framethrift.config import Study
from framethrift.config.data import LongVideoQA
from framethrift.config.variants import SamplerVariant
from framethrift.reporting.cell_file import Problem, read_columns
from framethrift.reporting.folder import slug
from framethrift.reporting.render_table import table_html, write_table
from framethrift.reporting.site import Site
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, missing, number, words
from framethrift.videos.curation import KEPT, TOO_EASY, TOO_HARD

PAGE = "long_videos.html"
# Pass rates c fall into: never, up to a quarter, …, below 1, always.
_BINS = {"c = 0": 0.0, "c ≤ ¼": 0.25, "c ≤ ½": 0.5, "c ≤ ¾": 0.75, "c < 1": 1 - 1e-9, "c = 1": 1.0}


def long_sets(study: Study) -> list[str]:
    """Datasets made of captioned long videos."""
    return [name for name, dataset in study.datasets.items() if isinstance(dataset, LongVideoQA)]


def write_long_videos(site: Site, datasets: list[str]) -> None:
    """Write long_videos.html and its tables."""
    shown: dict[str, dict[str, Any]] = {}
    for name in datasets:
        tables = [_questions(site.sources, name), _left_out(site.sources, name), _difficulty(site.sources, name)]
        for table in tables:
            write_table(table, site.folder)
        shown[name] = {"facts": _facts(site.sources, name), "tables": [table_html(table, site.folder, PAGE) for table in tables]}
    site.write(PAGE, "long_videos.html.j2", datasets=shown)


def _facts(sources: Sources, name: str) -> dict[str, str]:
    settings = sources.study.datasets[name]
    assert isinstance(settings, LongVideoQA)
    made = "spliced from needles and unrelated stretches" if settings.splicing else "the folder's own, as they are"
    facts = {"Videos are": made, "Questions are worded by": settings.writer, "Licence": settings.licence}
    videos, wrong = _read(sources, name, "videos", ["split", "duration"])
    if videos is None:
        return {**facts, "Videos": wrong}
    minutes = videos["duration"] / 60
    counts = ", ".join(f"{count} {split}" for split, count in videos["split"].value_counts().sort_index().items())
    length = (
        f"{minutes.min():.1f} to {minutes.max():.1f} minutes, {minutes.mean():.1f} on average; {minutes.sum() / 60:.1f} hours"
    )
    return {**facts, "Videos": counts, "Length": length}


def _read(sources: Sources, name: str, table: str, columns: list[str]) -> tuple[pd.DataFrame | None, str]:
    path = sources.layout.videos(name) / f"{table}.parquet"
    found, problems = read_columns(path, columns, f"{table} of {name}")
    return found, _said(problems)


def _said(problems: list[Problem]) -> str:
    return "; ".join(problem.what for problem in problems)


def _questions(sources: Sources, name: str) -> Table:
    """Questions per split and kind, and over which letters their right options are spread."""
    table = Table(
        f"long_{slug(name)}_questions",
        f"Questions of {name}",
        "Events: mean number of captioned events that a question rests on. Letters of the right options, fewest and most.",
        [
            Column("split", "Split", numeric=False),
            Column("type", "Kind", numeric=False),
            Column("questions", "Questions"),
            Column("events", "Events"),
            Column("rarest", "Fewest per letter"),
            Column("commonest", "Most per letter"),
        ],
    )
    rows, wrong = _read(sources, name, "questions", ["split", "type", "letter", "options", "evidence"])
    if rows is None:
        table.rows.append({"split": words(""), "type": words(""), "questions": missing(wrong)})
        return table
    for (split, kind), group in rows.groupby(["split", "type"]):
        letters = group["letter"].value_counts()
        unused = letters.size < max(map(len, group["options"]))
        table.rows.append(
            {
                "split": words(str(split)),
                "type": words(str(kind)),
                "questions": number(len(group), 0),
                "events": number(float(group["evidence"].map(len).mean())),
                "rarest": number(0 if unused else int(letters.min()), 0),
                "commonest": number(int(letters.max()), 0),
            }
        )
    return table


def _left_out(sources: Sources, name: str) -> Table:
    """Files, events, replies and questions that were not used, by reason."""
    columns = [Column("what", "What", numeric=False), Column("reason", "Reason", numeric=False), Column("count", "Left out")]
    table = Table(f"long_{slug(name)}_left_out", f"Left out of {name}", "Nothing was put in its place.", columns)
    for item in (item for item in sources.quarantined if item.dataset == name):
        for reason, count in item.reasons.items():
            row = {"what": words(f"file ({item.stage})"), "reason": words(reason.replace("_", " "))}
            table.rows.append({**row, "count": number(count, 0, files=(item.file,))})
    path = sources.layout.videos(name) / "construction" / "left_out.parquet"
    rows, problems = read_columns(path, ["what", "reason", "count"], f"construction of {name}")
    if rows is None:
        table.rows.append({"what": words("event"), "reason": words(""), "count": missing(_said(problems))})
        return table
    for row in rows.to_dict("records"):
        told = {"what": words(row["what"]), "reason": words(row["reason"])}
        table.rows.append({**told, "count": number(row["count"], 0, files=(path,))})
    return table


def _difficulty(sources: Sources, name: str) -> Table:
    """How many training questions each base model answers how often, and what became of them."""
    heads = [KEPT, TOO_EASY, TOO_HARD, *_BINS]
    table = Table(
        f"long_{slug(name)}_difficulty",
        f"Difficulty of {name}",
        "Training questions by the base model's pass rate c, each in the first column that holds it, and how many of them "
        "reinforcement learning sees.",
        [Column("mllm", "Base model", numeric=False), Column("seed", "Seed", numeric=False), Column("rated", "Rated")]
        + [Column(f"c{n}" if head in _BINS else head.replace(" ", "_"), head) for n, head in enumerate(heads)],
    )
    for variant, seed in _rated(sources.study, name):
        path = sources.layout.curated(variant, seed)
        row: dict[str, Entry] = {"mllm": words(variant), "seed": words(str(seed))}
        found, problems = read_columns(path, ["dataset", "pass_rate", "verdict"], f"curation by {variant}, seed {seed}")
        if found is None:
            table.rows.append({**row, "rated": missing(_said(problems))})
            continue
        own = found[found["dataset"] == name]
        places = [sum(rate > limit for limit in _BINS.values()) for rate in own["pass_rate"]]
        counts = [(own["verdict"] == head).sum() for head in heads[:3]] + [places.count(place) for place in range(len(_BINS))]
        entries = {column.name: number(int(n), 0, files=(path,)) for column, n in zip(table.columns[3:], counts, strict=True)}
        table.rows.append({**row, "rated": number(len(own), 0, files=(path,)), **entries})
    return table


def _rated(study: Study, name: str) -> Iterator[tuple[str, int]]:
    samplers = [study.variants[own] for own in study.names_of(SamplerVariant)]
    for mllm in dict.fromkeys(own.mllm for own in samplers if isinstance(own, SamplerVariant) and own.dataset == name):
        for seed in study.seeds:
            yield mllm, seed
