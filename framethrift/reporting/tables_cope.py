"""CoPE's tables of accuracy: token efficiency (Table 1), ablations (H.1 to H.4), and the rows it prints on its benchmarks."""

from collections.abc import Callable

from framethrift.config.rows import Row, changes, keyframes, uses_delta
from framethrift.config.sampling import Stream
from framethrift.config.tables import table_rows
from framethrift.reporting.labels import change_label
from framethrift.reporting.results import Cell
from framethrift.reporting.sources import Sources
from framethrift.reporting.table import Column, Table, words
from framethrift.reporting.tables_accuracy import add_accuracies, names


def token_efficiency(sources: Sources) -> Table:
    """Table 1's layout: per benchmark tokens in % of the densest sampling, accuracy, and the paper's number where it exists."""
    table = Table(
        "table_1",
        "Token efficiency against accuracy",
        "The layout of CoPE-VideoLM's Table 1. Tokens are visual tokens in % of the densest sampling; accuracy in % with its "
        "95 % bootstrap interval over videos.",
        [Column("model", "Model", numeric=False), Column("sampling", "Sampling", numeric=False)],
    )
    rows = table_rows(sources.study, table.name)
    table.rows = [names(sources, row) for row in rows]
    add_accuracies(sources, table, rows, tokens=True)
    return table


def token_counts(sources: Sources) -> Table:
    """Table H.1's layout."""
    return _ablation(sources, "table_h1", "Δ-tokens per P-frame", "The layout of CoPE-VideoLM's Table H.1.")


def without_pretraining(sources: Sources) -> Table:
    """Table H.2's layout."""
    return _ablation(sources, "table_h2", "Is Δ-encoder pre-training needed?", "The layout of CoPE-VideoLM's Table H.2.")


def altered_delta(sources: Sources) -> Table:
    """Table H.3's layout, with controls the paper lacks."""
    caption = (
        "The layout of CoPE-VideoLM's Table H.3, with fairer controls: zeros are out of distribution, another video's Δ-tokens "
        "are not. Differences in points to the same model with its own Δ-tokens, paired on the same questions."
    )
    return _compared(sources, "table_h3", "Are the Δ-tokens used?", caption)


def key_frames_only(sources: Sources) -> Table:
    """Table H.4's layout."""
    caption = (
        "The layout of CoPE-VideoLM's Table H.4, the baseline trained on key frames beside it. Differences in points to the "
        "Δ-trained model with its Δ-tokens at as many key frames, paired on the same questions."
    )
    return _compared(sources, "table_h4", "Codec-aware training with and without Δ-tokens", caption)


def printed_rows(name: str, title: str) -> Callable[[Sources], Table]:
    """Builder of a table whose rows are those that the paper prints and the study evaluates."""

    def build(sources: Sources) -> Table:
        columns = [Column("model", "Model", numeric=False), Column("sampling", "Sampling", numeric=False)]
        caption = "Accuracy in % with its 95 % bootstrap interval over videos."
        table = Table(name, title, caption, columns)
        rows = table_rows(sources.study, name)
        table.rows = [names(sources, row) for row in rows]
        add_accuracies(sources, table, rows)
        return table

    return build


def _ablation(sources: Sources, name: str, title: str, caption: str) -> Table:
    """Variants that change one setting, against the plain one under the same sampling."""
    study = sources.study
    columns = [Column("model", "Model", numeric=False), Column("change", "Change", numeric=False)]
    table = Table(name, title, f"{caption} Differences in points to the plain model under the same sampling.", columns)
    rows = table_rows(study, name)
    table.rows = [{"model": words(row[0]), "change": words(change_label(study, row[0]), note=row[1])} for row in rows]

    def plain(row: Row, benchmark: str) -> Cell | None:
        found = next((other for other in rows if other[1] == row[1] and not changes(study, other[0])), None)
        return sources.results.cell(*found, benchmark) if found else None

    add_accuracies(sources, table, rows, baseline=plain)
    return table


def _compared(sources: Sources, name: str, title: str, caption: str) -> Table:
    """Rows against the Δ-trained model with its own Δ-tokens at as many key frames."""
    study = sources.study
    columns = [Column("model", "Model", numeric=False), Column("sampling", "Shown at inference", numeric=False)]
    table = Table(name, title, caption, columns)
    rows = table_rows(study, name)
    table.rows = [names(sources, row) for row in rows]

    def kept(row: Row, benchmark: str) -> Cell | None:
        own = [other for other in rows if uses_delta(study, other[0]) and _keeps(sources, other)]
        own = [other for other in own if keyframes(study, other) == keyframes(study, row)]
        same = [other for other in own if other[0] == row[0]] or (own if len(own) == 1 else [])
        return sources.results.cell(*same[0], benchmark) if same else None

    add_accuracies(sources, table, rows, baseline=kept)
    return table


def _keeps(sources: Sources, row: Row) -> bool:
    sampling = sources.study.samplings[row[1]]
    return isinstance(sampling, Stream) and sampling.delta == "keep"
