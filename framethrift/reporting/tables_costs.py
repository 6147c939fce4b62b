"""CoPE's tables of cost and retrieval: time to first token (Fig. 4a) and next-frame retrieval (Table H.6)."""

from framethrift.reporting.entries import difference_entry
from framethrift.reporting.latency_file import PARTS, Latency
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Entry, Table, missing, number, words
from framethrift.reporting.tables_accuracy import names

# Column, with its unit for whoever reads the CSV → head, the figure behind it, and how much of that figure is one unit.
FORMULA_COSTS = {
    "prefill_mflop": ("Prefill (MFLOP)", "prefill_flops", 1e6),
    "cache_kb": ("Keys and values (kB)", "cache_bytes", 1e3),
}
_LATENCIES = {
    "ttft_ms": ("TTFT (ms)", "ttft_s", 1e-3),
    "ttft_model_ms": ("without reading (ms)", "ttft_model_s", 1e-3),
    "e2e_ms": ("End to end (ms)", "e2e_s", 1e-3),
}
_PARTS = {
    f"{stage}_ms": (stage.replace("delta", "Δ-encoder").capitalize(), f"{stage}_s", 1e-3)
    for stage in (part.removesuffix("_s") for part in PARTS)
}


def latency(sources: Sources) -> Table:
    """Fig. 4a's layout, with the parts of the time to first token."""
    columns = [
        Column("model", "Model", numeric=False),
        Column("sampling", "Sampling", numeric=False),
        Column("tokens", "Visual tokens"),
        Column("tokens_share", "Tokens (%)"),
        *(Column(name, head) for name, (head, _, _) in _LATENCIES.items()),
        Column("ttft_saved", "TTFT saved (%)"),
        *(Column(name, head, "parts of TTFT (ms)") for name, (head, _, _) in _PARTS.items()),
        *(Column(name, head, "of the prompt, by formula") for name, (head, _, _) in FORMULA_COSTS.items()),
        Column("memory_mb", "Peak memory (MB)"),
    ]
    conditions = "; ".join(dict.fromkeys(item.conditions for item in sources.latencies.all()))
    table = Table(
        "figure_4",
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
            entry = names(sources, (block.variant, sampling))
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
        "table_h6",
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
        **{
            name: number(item.number(figure) / unit, files=files)
            for name, (_, figure, unit) in (_LATENCIES | _PARTS | FORMULA_COSTS).items()
        },
        "ttft_saved": number(100 * (1 - item.number("ttft_s") / densest.number("ttft_s")), files=files),
        "memory_mb": missing("the system does not tell the peak memory") if memory is None else number(memory, 0, files=files),
    }
