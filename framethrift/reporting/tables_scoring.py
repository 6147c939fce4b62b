"""Tables about the scores themselves: by whom, by which other metrics, what the questions need, what can be detected."""

from itertools import pairwise
from statistics import median

from framethrift.config.benchmarks import load_benchmarks
from framethrift.evaluation.comparisons import expected_error, minimum_detectable
from framethrift.evaluation.labels import LABELS
from framethrift.reporting.entries import accuracy_entry, questions_page
from framethrift.reporting.labels import variant_label
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, minus, missing, number, words
from framethrift.reporting.tables_accuracy import names

_Z = 1.959964  # half of a 95 % interval in standard errors


def scoring(sources: Sources) -> Table:
    """Every cell's answers by what became of them, and lmms-eval's own score beside ours."""
    columns = [
        *_names_columns(),
        Column("asked", "Questions"),
        Column("short", "Partial", numeric=False),
        Column("unparsable", "Unparsable"),
        Column("failed", "Judge failed"),
        Column("ours", "Ours (%)"),
        Column("lmms", "lmms-eval (%)"),
        Column("difference", "Difference"),
        Column("differing", "Questions scored differently"),
    ]
    table = Table(
        "scoring",
        "Answers and scores",
        "One strict parser reads every answer; what it cannot read is wrong and counted. lmms-eval's own score of the same "
        "answers stands beside ours where it has one: its parsers guess, drop and default, each in its way. Counts are over "
        "all seeds. Answers whose judge failed are left out.",
        columns,
    )
    for cell in sources.results.cells.values():
        entry = _names(sources, cell) | {"ours": accuracy_entry(cell)}
        if not cell.missing:
            files, lmms, differing = tuple(cell.files.values()), cell.lmms, len(cell.differing)
            entry |= {
                "asked": number(len(cell.rows), 0, files=files),
                "short": words(cell.short.removeprefix("partial: ")),
                "unparsable": number(cell.unparsable, 0, files=files),
                "failed": number(cell.failed, 0, files=files),
                "lmms": missing(f"{cell.key}: lmms-eval states no score") if lmms is None else number(100 * lmms, files=files),
            }
            if lmms is not None:
                gap = 100 * (cell.accuracy.value - lmms)
                entry["difference"] = Entry(minus(f"{gap:+.1f}"), gap, files=files)
            if cell.rows["lmms_score"].notna().any():
                page = questions_page(cell, outcome="differs") if differing else None
                entry["differing"] = Entry(f"{differing}", differing, page=page, files=files)
        table.rows.append(entry)
    return table


def other_metrics(sources: Sources) -> Table:
    """Metrics beside accuracy, where a benchmark has them: exact match, caption metrics, a judge's rating."""
    found = {cell.key: _metrics(cell) for cell in sources.results.cells.values() if not cell.missing}
    heads = list(dict.fromkeys(name for metrics in found.values() for name in metrics))
    table = Table(
        "metrics",
        "Other metrics",
        "Means over questions and seeds: shares of exactly matched answers in %, caption metrics as pycocoevalcap states them, "
        "and the judge's rating from 0 to 5.",
        [*_names_columns(), *(Column(f"metric_{name}", name) for name in heads)],
    )
    for key, metrics in found.items():
        if not metrics:
            continue
        cell = sources.results.cells[key]
        files, entry = tuple(cell.files.values()), _names(sources, cell)
        for name, value in metrics.items():
            scale, digits = (100, 1) if name.endswith("EM") else (1, 2)
            entry[f"metric_{name}"] = (
                missing(f"{key}: {name} needs java") if value is None else number(scale * value, digits, files=files)
            )
        table.rows.append(entry)
    return table


def question_needs(sources: Sources) -> Table:
    """Questions per label: answerable without video, without order, needing order."""
    columns = [
        Column("model", "Model", numeric=False),
        Column("benchmark", "Benchmark", numeric=False),
        Column("asked", "Questions"),
    ]
    columns += [Column(f"label_{name.replace(' ', '_')}", name) for name in LABELS]
    columns += [Column("lucky", "without video by luck"), Column("runs", "Runs", numeric=False)]
    table = Table(
        "question_needs",
        "What the questions need",
        "Read from controls, after VBenchComp: right in every run without video; else right in every run with shuffled frames "
        "and in order (without order); else right in every run in order alone (needs order). By luck: how many would be right in "
        "every blind run by guessing. A label says something about these models, not about the question alone.",
        columns,
    )
    for variant, benchmarks in sources.labels.items():
        for benchmark, found in benchmarks.items():
            file = (sources.layout.labels(variant),)
            entry = {
                "model": words(variant_label(sources.study, variant)),
                "benchmark": words(sources.title(benchmark)),
                "asked": number(len(found["questions"]), 0, files=file),
                "lucky": Entry("") if found["lucky"] is None else number(found["lucky"], 1, files=file),
                "runs": words(", ".join(f"{count} {kind}" for kind, count in found["runs"].items())),
            }
            counts = {f"label_{name.replace(' ', '_')}": number(found["counts"][name], 0, files=file) for name in LABELS}
            table.rows.append(entry | counts)
    return table


def detectable(sources: Sources) -> Table:
    """The smallest paired difference that each benchmark can show, by its size and by what this study measured."""
    columns = [
        Column("benchmark", "Benchmark", numeric=False),
        Column("questions", "Questions"),
        Column("videos", "Videos"),
        Column("by_size", "By size (points)"),
        Column("measured", "As measured (points)"),
    ]
    table = Table(
        "detectable",
        "What can be detected",
        "The smallest true difference between two cells that a paired test at 5 % finds with 80 % probability, before any "
        "correction. By size: two systems that differ on a quarter of the questions, correlated by 0.1 within a video. As "
        "measured: from the intervals of this study's own comparisons, neighbouring cells of the benchmark; the median.",
        columns,
    )
    for benchmark in sources.results.benchmarks:
        cells = [cell for key, cell in sources.results.cells.items() if key.benchmark == benchmark and not cell.missing]
        if not cells:
            continue
        largest = max(cells, key=lambda cell: cell.accuracy.n)
        size, videos = largest.accuracy.n, largest.accuracy.clusters
        files = tuple(largest.files.values())
        entry = {
            "benchmark": words(sources.title(benchmark)),
            "questions": number(size, 0, files=files),
            "videos": number(videos, 0, files=files),
        }
        if videos >= 3:
            entry["by_size"] = number(100 * minimum_detectable(expected_error(size, videos), videos), files=files)
            errors = [error for first, second in pairwise(cells) if (error := _error(first, second)) is not None]
            if errors:
                entry["measured"] = number(100 * minimum_detectable(median(errors), videos), files=files)
        table.rows.append(entry)
    return table


def _error(first: Cell, second: Cell) -> float | None:
    """Standard error of a paired difference, read from its interval; None where the cells share no question."""
    try:
        found = first.against(second)
    except ValueError:
        return None
    return (found.high - found.low) / (2 * _Z)


def _metrics(cell: Cell) -> dict[str, float | None]:
    names = sorted({name for metrics in cell.rows["metrics"] for name in metrics})
    values = {name: [row[name] for row in cell.rows["metrics"] if name in row] for name in names}
    found: dict[str, float | None] = {name: sum(told) / len(told) for name, told in values.items()}
    if load_benchmarks()[cell.key.benchmark].scoring == "captions":
        stated = [summary.get("metrics") or {} for summary in cell.summaries.values()]
        for name in dict.fromkeys(name for metrics in stated for name in metrics if name not in found):
            told = [float(metrics[name]) for metrics in stated if metrics.get(name) is not None]
            found[name] = sum(told) / len(told) if len(told) == len(stated) else None
    return found


def _names_columns() -> list[Column]:
    heads = {"model": "Model", "sampling": "Sampling", "benchmark": "Benchmark"}
    return [Column(name, head, numeric=False) for name, head in heads.items()]


def _names(sources: Sources, cell: Cell) -> dict[str, Entry]:
    return names(sources, cell.key.row) | {"benchmark": words(sources.title(cell.key.benchmark))}
