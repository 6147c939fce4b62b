"""Whether every example conversation of a study can be held: who is asked, what is shown, which questions there are."""

from framethrift.config.benchmarks import datasets_of, load_benchmarks
from framethrift.config.cells import Dialogues
from framethrift.config.sampling import Blind, Chance, Select
from framethrift.config.study import OF_A_STUDY, Study, require_known
from framethrift.config.variants import VideolmVariant


def check_dialogues(study: Study) -> None:
    """Check every entry of `dialogues` against the study.

    Raises ValueError naming the field, the value and what is allowed.
    """
    seen: dict[tuple[str, str], int] = {}
    for index, own in enumerate(study.dialogues):
        field = f"dialogues[{index}]"
        require_known(f"{field}.variant", own.variant, study.variants)
        require_known(f"{field}.sampling", own.sampling, study.samplings)
        require_known(f"{field}.benchmark", own.benchmark, load_benchmarks())
        first = seen.setdefault((own.variant, own.sampling), index)
        if first != index:
            raise ValueError(f"{field}: {own.variant!r} under {own.sampling!r} is asked in dialogues[{first}] already; drop one")
        _check_variant(study, field, own)
        _check_sampling(study, field, own)
        if not datasets_of(study, own.benchmark):
            raise ValueError(f"{field}.benchmark: no dataset of this study holds {own.benchmark!r}; add one or choose another")


def _check_variant(study: Study, field: str, own: Dialogues) -> None:
    variant = study.variants[own.variant]
    if not isinstance(variant, VideolmVariant):
        raise ValueError(
            f"{field}.variant: {own.variant!r} is a {variant.kind}, but a VideoLM that answers alone is needed; "
            f"allowed: {study.names_of(VideolmVariant)}"
        )


def _check_sampling(study: Study, field: str, own: Dialogues) -> None:
    shown = study.samplings[own.sampling]
    reason = None
    if isinstance(shown, Blind | Chance):
        reason = f"(kind: {shown.kind}) shows no video to talk about"
    elif isinstance(shown, Select) and (shown.selector in OF_A_STUDY or shown.queries != "none"):
        reason = "picks frames by the question, but a conversation shows its video once for all questions"
    elif shown.reducer is not None:
        reason = "has a reducer, which is for single questions"
    if reason:
        raise ValueError(f"{field}.sampling: {own.sampling!r} {reason}; choose a stream, or selector: uniform")
