"""CoPE's tables in miniature: token efficiency (Table 1), Δ-token ablations (H.3, H.4), latency (Fig. 4a), retrieval (H.6)."""

from framethrift.config import Study
from framethrift.config.sampling import Select, Stream
from framethrift.reporting.entries import accuracy_entry, against, best, difference_entry
from framethrift.reporting.labels import changes, sampling_label, slots_of, uses_delta, variant_label
from framethrift.reporting.latency_file import PARTS, Latency
from framethrift.reporting.results import Cell, Results
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, missing, number, words

Row = tuple[str, str]
BASELINE = "uniform"  # the frame selector that all others are measured against
_LATENCIES = {"ttft_s": "TTFT (ms)", "ttft_model_s": "without reading (ms)", "e2e_s": "End to end (ms)"}


def stream_rows(study: Study) -> list[Row]:
    """(variant, sampling) shown as token streams, by number of key frames, key frames alone first."""

    def order(row: Row) -> tuple[int, bool, str]:
        sampling = study.samplings[row[1]]
        assert isinstance(sampling, Stream)
        return sampling.keyframes_per_gop, uses_delta(study, row[0]), row[0]

    return sorted((row for row in study.evaluations() if isinstance(study.samplings[row[1]], Stream)), key=order)


def table_1_rows(study: Study) -> list[Row]:
    """Rows of Table 1: every plain variant as it was trained, and uniform frames shown to a variant that also reads streams."""
    streams = [row for row in stream_rows(study) if as_trained(study, row) and not changes(study, row[0])]
    readers = {row[0] for row in streams}
    uniform = [
        row
        for row in study.evaluations()
        if row[0] in readers and isinstance(chosen := study.samplings[row[1]], Select) and chosen.selector == BASELINE
    ]
    return streams + uniform


def as_trained(study: Study, row: Row) -> bool:
    """Whether the variant is shown what it was trained for: Δ-tokens kept, or key frames for one trained on key frames."""
    sampling = study.samplings[row[1]]
    return isinstance(sampling, Stream) and sampling.delta == ("keep" if uses_delta(study, row[0]) else "drop")


def benchmarks_of(results: Results, rows: list[Row]) -> list[str]:
    """Benchmarks that any of the rows is evaluated on, in the study's order."""
    return [name for name in results.benchmarks if any(results.cell(*row, name) for row in rows)]


def densest(cells: list[Cell | None]) -> float | None:
    """Most visual tokens of any present cell: the 100 % of a token column."""
    return max((cell.tokens for cell in cells if cell is not None and not cell.missing), default=None)


def token_efficiency(sources: Sources) -> Table:
    """Table 1's layout: per benchmark tokens in % of the densest sampling, accuracy, and the paper's number where it exists."""
    study, results = sources.study, sources.results
    rows = table_1_rows(study)
    benchmarks = benchmarks_of(results, rows)
    columns = [Column("model", "Model", numeric=False), Column("sampling", "Sampling", numeric=False)]
    table = Table(
        "token_efficiency",
        "Token efficiency against accuracy",
        "The layout of CoPE-VideoLM's Table 1. Tokens are visual tokens in % of the densest sampling; accuracy in % with its "
        "95 % bootstrap interval over videos. Bold: above every other row by a paired test.",
        columns,
    )
    entries: list[dict[str, Entry]] = [_names(sources, row) for row in rows]
    for benchmark in benchmarks:
        cells = [results.cell(*row, benchmark) for row in rows]
        full, top = densest(cells), best(cells)
        columns += [
            Column(f"{benchmark}_tokens", "Tokens (%)", sources.title(benchmark)),
            Column(f"{benchmark}_accuracy", "Accuracy (%)", sources.title(benchmark)),
        ]
        printed = [sources.paper_value(*row, benchmark) for row in rows]
        if any(value is not None for value in printed):
            columns.append(Column(f"{benchmark}_paper", "paper's", sources.title(benchmark)))
        for entry, cell, value in zip(entries, cells, printed, strict=True):
            entry[f"{benchmark}_tokens"] = _share(cell, full)
            entry[f"{benchmark}_accuracy"] = accuracy_entry(cell, mark="best" if cell is not None and cell is top else "")
            if value is not None:
                entry[f"{benchmark}_paper"] = number(value)
    table.rows = entries
    return table


def delta_ablation(sources: Sources) -> Table:
    """Tables H.3 and H.4's layout: what the Δ-tokens of a trained model are worth at inference."""
    study, results = sources.study, sources.results
    plain = [row for row in stream_rows(study) if not changes(study, row[0])]
    own = [row for row in plain if uses_delta(study, row[0])]
    counts = {_keyframes(study, row) for row in own}
    baselines = [row for row in plain if not uses_delta(study, row[0]) and _keyframes(study, row) in counts]
    rows = baselines + sorted(own, key=lambda row: (_keyframes(study, row), row[0]))
    columns = [Column("model", "Model", numeric=False), Column("sampling", "Shown at inference", numeric=False)]
    table = Table(
        "delta_ablation",
        "Are the Δ-tokens used?",
        "The layout of CoPE-VideoLM's Tables H.3 and H.4, with fairer controls: zeros are out of distribution, another video's "
        "Δ-tokens are not. Differences in points to the same model with its own Δ-tokens at as many key frames, paired "
        "on the same questions.",
        columns,
        [_names(sources, row) for row in rows],
    )
    for benchmark in benchmarks_of(results, rows):
        columns += [
            Column(f"{benchmark}_accuracy", "Accuracy (%)", sources.title(benchmark)),
            Column(f"{benchmark}_difference", "Difference", sources.title(benchmark)),
        ]
        for entry, row in zip(table.rows, rows, strict=True):
            cell = results.cell(*row, benchmark)
            entry[f"{benchmark}_accuracy"] = accuracy_entry(cell)
            entry[f"{benchmark}_difference"] = against(cell, _kept(sources, row, own, benchmark))
    return table


def delta_variants(sources: Sources) -> Table:
    """Tables H.1 and H.2's layout: Δ-encoders of other sizes, and without pre-training, against the plain one."""
    study, results = sources.study, sources.results
    rows = [row for row in stream_rows(study) if as_trained(study, row) and uses_delta(study, row[0])]
    changed = [row for row in rows if changes(study, row[0])]
    plain = [row for row in rows if not changes(study, row[0]) and row[1] in {sampling for _, sampling in changed}]
    columns = [Column("model", "Model", numeric=False), Column("change", "Change", numeric=False)]
    table = Table(
        "delta_variants",
        "Ablations of the Δ-encoder",
        "The layout of CoPE-VideoLM's Tables H.1 and H.2. Differences in points to the plain model under the same sampling.",
        columns,
    )
    shown = plain + changed if changed else []
    table.rows = [
        {"model": words(name), "change": words("; ".join(changes(study, name)) or "none", note=sampling)}
        for name, sampling in shown
    ]
    for benchmark in benchmarks_of(results, shown):
        head = sources.title(benchmark)
        columns += [Column(f"{benchmark}_accuracy", "Accuracy (%)", head), Column(f"{benchmark}_difference", "Difference", head)]
        for entry, row in zip(table.rows, shown, strict=True):
            base = next((results.cell(*other, benchmark) for other in plain if other[1] == row[1]), None)
            cell = results.cell(*row, benchmark)
            entry[f"{benchmark}_accuracy"] = accuracy_entry(cell)
            entry[f"{benchmark}_difference"] = against(cell, base)
    return table


def latency(sources: Sources) -> Table:
    """Fig. 4a's layout, with the parts of the time to first token."""
    columns = [
        Column("model", "Model", numeric=False),
        Column("sampling", "Sampling", numeric=False),
        Column("tokens", "Visual tokens"),
        Column("tokens_share", "Tokens (%)"),
        *(Column(name, head) for name, head in _LATENCIES.items()),
        Column("ttft_saved", "TTFT saved (%)"),
        *(
            Column(name, name.removesuffix("_s").replace("delta", "Δ-encoder").capitalize(), "parts of TTFT (ms)")
            for name in PARTS
        ),
        Column("memory", "Peak memory (MB)"),
    ]
    conditions = "; ".join(dict.fromkeys(item.conditions for item in sources.latencies.all()))
    table = Table(
        "latency",
        "Time to first token and end-to-end latency",
        "The layout of CoPE-VideoLM's Fig. 4a: medians of the timed repeats, from the re-encoded file on disk to the token. The "
        "paper does not say whether reading the file is inside its figures, so TTFT also stands without it. "
        + (f"Timed: {conditions}." if conditions else ""),
        columns,
    )
    for block in sources.study.latency:
        present = {item.sampling: item for item in sources.latencies.all() if item.variant == block.variant}
        densest = max(present.values(), key=lambda item: item.number("visual_tokens"), default=None)
        for sampling in block.samplings:
            entry = _names(sources, (block.variant, sampling))
            item = present.get(sampling)
            if item is None or densest is None:
                absent = missing(f"latency of {block.variant} / {sampling}: not run")
                entry |= {column.name: absent for column in columns if column.numeric}
            else:
                entry |= _timed(item, densest)
            table.rows.append(entry)
    return table


def retrieval(sources: Sources) -> Table:
    """Table H.6's layout: recall of the next frame by copying the current frame and by the Δ-encoder."""
    found, expected = sources.retrievals.found, sources.retrievals.expected
    measures = list(dict.fromkeys(name for item in found.values() for figures in item.methods.values() for name in figures))
    columns = [Column("encoder", "Δ-encoder of", numeric=False), Column("method", "Query", numeric=False)]
    columns += [Column(measure, measure.capitalize() + " (%)") for measure in measures]
    notes = [str(item.facts["pool"]) for item in found.values() if item.facts.get("pool")]
    table = Table(
        "retrieval",
        "Next-frame retrieval",
        "The layout of CoPE-VideoLM's Table H.6, with 95 % bootstrap intervals over videos. " + " ".join(dict.fromkeys(notes)),
        columns,
    )
    for name in expected:
        item = found.get(name)
        if item is None:
            table.rows.append({"encoder": words(name), "method": missing(f"retrieval of {name}: not run")})
            continue
        for method, figures in item.methods.items():
            entry = {"encoder": words(name), "method": words(method)}
            for measure, estimate in figures.items():
                entry[measure] = Entry(
                    f"{100 * estimate.value:.1f}",
                    100 * estimate.value,
                    100 * estimate.low,
                    100 * estimate.high,
                    files=(item.file,),
                )
            table.rows.append(entry)
        entry = {"encoder": words(name), "method": words("difference")}
        entry |= {measure: difference_entry(difference, (item.file,)) for measure, difference in item.differences.items()}
        table.rows.append(entry)
    return table


def _timed(item: Latency, densest: Latency) -> dict[str, Entry]:
    files = (item.file,)
    tokens, memory = item.number("visual_tokens"), item.memory_mb
    return {
        "tokens": number(tokens, 0, files=files),
        "tokens_share": number(100 * tokens / densest.number("visual_tokens"), files=files),
        **{name: number(1000 * item.number(name), files=files) for name in (*_LATENCIES, *PARTS)},
        "ttft_saved": number(100 * (1 - item.number("ttft_s") / densest.number("ttft_s")), files=files),
        "memory": missing("the system does not tell the peak memory") if memory is None else number(memory, 0, files=files),
    }


def _names(sources: Sources, row: Row) -> dict[str, Entry]:
    study = sources.study
    label = sampling_label(study.samplings[row[1]], slots_of(study, row[0]))
    return {"model": words(variant_label(study, row[0])), "sampling": words(label, note=row[1])}


def _keyframes(study: Study, row: Row) -> int:
    sampling = study.samplings[row[1]]
    assert isinstance(sampling, Stream)
    return sampling.keyframes_per_gop


def _kept(sources: Sources, row: Row, own: list[Row], benchmark: str) -> Cell | None:
    """The cell with its own Δ-tokens at as many key frames: of the same model, or of the only Δ-model for a baseline."""
    study = sources.study
    kept = [other for other in own if as_trained(study, other) and _keyframes(study, other) == _keyframes(study, row)]
    same = [other for other in kept if other[0] == row[0]] or (kept if len(kept) == 1 else [])
    return sources.results.cell(*same[0], benchmark) if same else None


def _share(cell: Cell | None, full: float | None) -> Entry:
    if cell is None or cell.missing or not full:
        return Entry("")
    return Entry(
        f"{100 * cell.tokens / full:.1f}",
        100 * cell.tokens / full,
        files=tuple(cell.files.values()),
        note=f"{cell.tokens:.0f} tokens",
    )
