"""Rows of the papers' tables, found in a study by what its variants and samplings are, never by their names."""

from typing import Any

from framethrift.config.benchmarks import datasets_of
from framethrift.config.recipe import Recipe
from framethrift.config.reduction import Reduction
from framethrift.config.sampling import Select, Stream
from framethrift.config.study import Study
from framethrift.config.variants import JointVariant, VideolmVariant

Row = tuple[str, str]  # (variant, sampling)
BASELINE = "uniform"  # the frame selector that all others are measured against


def token_efficiency(study: Study) -> list[Row]:
    """Table 1: every plain variant as it was trained, and uniform frames shown to a variant that also reads streams."""
    streams = [row for row in _own_rate(study) if as_trained(study, row) and not changes(study, row[0])]
    readers = {row[0] for row in streams}
    uniform = [
        row
        for row in _in_order(study)
        if row[0] in readers and isinstance(chosen := study.samplings[row[1]], Select) and chosen.selector == BASELINE
    ]
    return streams + uniform


def token_counts(study: Study) -> list[Row]:
    """Table H.1: variants that differ in Δ-tokens per P-frame only, the plain one among them."""
    counts = {"models.delta_encoder.motion_tokens", "models.delta_encoder.residual_tokens"}
    return _ablation(study, lambda changed: bool(changed) and changed <= counts)


def without_pretraining(study: Study) -> list[Row]:
    """Table H.2: variants whose Δ-encoder was not pre-trained, beside the plain one."""
    return _ablation(study, lambda changed: changed == {"delta_pretraining"})


def altered_delta(study: Study) -> list[Row]:
    """Table H.3: a variant's own Δ-tokens against zeroed ones, another video's, and one branch only."""
    own = [row for row in _own_rate(study) if uses_delta(study, row[0]) and not changes(study, row[0])]
    kept = [row for row in own if _stream(study, row).delta != "drop"]
    altered = {(row[0], keyframes(study, row)) for row in kept if _stream(study, row).delta != "keep"}
    return [row for row in kept if (row[0], keyframes(study, row)) in altered]


def key_frames_only(study: Study) -> list[Row]:
    """Table H.4: at each density the baseline, the variant trained with Δ-tokens without them, and with them."""
    plain = [row for row in _own_rate(study) if not changes(study, row[0]) and _stream(study, row).delta in ("keep", "drop")]
    dropped = {keyframes(study, row) for row in plain if uses_delta(study, row[0]) and _stream(study, row).delta == "drop"}
    return [row for row in plain if keyframes(study, row) in dropped]


def frame_rates(study: Study) -> list[Row]:
    """Table H.5: variants shown at other fusion windows than they were trained with, the slowest first.

    Beside them what they were trained with, where it has as many key frames per GOP, or as large a share of key frames, as one.
    """
    rows = [row for row in _own_recipe(study) if as_trained(study, row) and uses_delta(study, row[0])]
    other = [row for row in rows if _stream(study, row).window is not None]
    own = [row for row in rows if row not in other and any(_alike(study, row, one) for one in other)]
    return sorted([*own, *other], key=lambda row: (list(study.variants).index(row[0]), slots(study, row), keyframes(study, row)))


def _alike(study: Study, row: Row, other: Row) -> bool:
    """Whether two rows of one variant differ in slots per GOP, and have the same number or the same share of key frames."""
    counts, others = ((keyframes(study, one), slots(study, one)) for one in (row, other))
    same = counts[0] == others[0] or counts[0] * others[1] == others[0] * counts[1]
    return row[0] == other[0] and counts[1] != others[1] and same


def frame_selectors(study: Study) -> list[Row]:
    """MSJoE's Table 1: every selector; of samplers and joint models the plain ones."""
    return [row for row in select_rows(study) if not _overridden(study, row[0])]


def scored_selectors(study: Study) -> list[Row]:
    """MSJoE's Table 4: every selector of its Table 1 that scores frames, all inference steps therefore, and uniform frames."""
    rows = frame_selectors(study)
    scored = [row for row in rows if selection(study, row).queries != "none"]
    return [row for row in rows if row in scored or selection(study, row).selector == BASELINE] if scored else []


def joint_training(study: Study) -> list[Row]:
    """MSJoE's Tables 2 and 3: pre-trained and jointly trained models with everything that was switched off in turn.

    A rival's sampler and one beside an MLLM that reads Δ-tokens belong to the selectors.
    """
    own = [name for name in study.variants if study.method_of(name) == "msjoe" and not study.shows_delta(study.mllm_of(name))]
    rows = [row for row in select_rows(study) if row[0] in own]
    return rows if any(_overridden(study, variant) for variant, _ in rows) else []


def token_reducers(study: Study) -> list[Row]:
    """Table G.1: every reduced row by its share, behind the row that keeps all tokens, and what was trained on Δ-tokens.

    Those are shown what they were trained with.
    """
    reduced = [row for row in study.evaluations() if reduction(study, row)]
    if not reduced:
        return []
    asked = study.evaluations()
    whole = [row for row in asked if any(keeps_all(study, row, other) for other in reduced)]
    benchmarks = {name for row in reduced for name in asked[row]}
    plain = [row for row in stream_rows(study) if uses_delta(study, row[0]) and not changes(study, row[0])]
    own = [row for row in plain if row[1] in getattr(study.variants[row[0]], "samplings", [])]
    entrants = [row for row in own if benchmarks.intersection(asked[row])]
    return [*whole, *entrants, *sorted(reduced, key=lambda row: -reduction(study, row).share)]  # type: ignore[union-attr]


def keeps_all(study: Study, row: Row, reduced: Row) -> bool:
    """Whether a row shows the same variant the same as `reduced`, with all tokens."""
    sampling, other = study.samplings[row[1]], study.samplings[reduced[1]]
    return (
        row[0] == reduced[0]
        and isinstance(other, Stream | Select)
        and reduction(study, row) is None
        and sampling == other.model_copy(update={"reducer": None})
    )


def reduction(study: Study, row: Row) -> Reduction | None:
    """The row's token reducer."""
    sampling = study.samplings[row[1]]
    return sampling.reducer if isinstance(sampling, Stream | Select) else None


def stream_rows(study: Study) -> list[Row]:
    """(variant, sampling) shown as token streams, by number of key frames, key frames alone first."""

    def order(row: Row) -> tuple[int, bool, str]:
        return keyframes(study, row), uses_delta(study, row[0]), row[0]

    return sorted((row for row in _in_order(study) if isinstance(study.samplings[row[1]], Stream)), key=order)


def select_rows(study: Study) -> list[Row]:
    """(variant, sampling) that show selected frames: by number of frames, then in the study's order."""
    rows = [row for row in _in_order(study) if isinstance(study.samplings[row[1]], Select)]
    return sorted(rows, key=lambda row: selection(study, row).frames)


def as_trained(study: Study, row: Row) -> bool:
    """Whether the variant is shown what it was trained for: Δ-tokens kept, or key frames for one trained on key frames."""
    sampling = study.samplings[row[1]]
    return isinstance(sampling, Stream) and sampling.delta == ("keep" if uses_delta(study, row[0]) else "drop")


def uses_delta(study: Study, name: str) -> bool:
    """Whether the variant was trained on streams with Δ-tokens."""
    variant = study.variants[name]
    return isinstance(variant, VideolmVariant) and variant.trained and study.shows_delta(name)


def changes(study: Study, name: str) -> dict[str, Any]:
    """In what a VideoLM variant departs from the study's own settings, field → value: an ablation; empty for the plain method."""
    variant = study.variants[name]
    if not isinstance(variant, VideolmVariant):
        return {}
    told = _flat(variant.models, "models.") | _flat(variant.training, "training.")
    told.pop("training.videolm.steps", None)  # trained for longer, it is the same method
    told |= {"start": variant.start} if variant.start else {}
    return told if variant.delta_pretraining else told | {"delta_pretraining": False}


def keyframes(study: Study, row: Row) -> int:
    """Key frames per GOP of a row that shows a token stream."""
    return _stream(study, row).keyframes_per_gop


def recipe_shown(study: Study, row: Row) -> Recipe:
    """The recipe of the videos of a row's benchmarks; of the variant's own where it is not evaluated."""
    datasets = [dataset for name in study.evaluations().get(row, []) for dataset in datasets_of(study, name)]
    return study.recipes[study.datasets[datasets[0]].recipe] if datasets else study.recipe_of(row[0])


def slots(study: Study, row: Row) -> int:
    """Slots per GOP of a row that shows a token stream with fixed fusion."""
    return recipe_shown(study, row).slots_at(_stream(study, row).window)


def selection(study: Study, row: Row) -> Select:
    """The sampling of a row that shows selected frames."""
    sampling = study.samplings[row[1]]
    assert isinstance(sampling, Select)
    return sampling


def _in_order(study: Study) -> list[Row]:
    """Rows that show frames whole and in temporal order: shuffled ones are controls, reduced ones have a table of their own."""
    rows = [row for row in study.evaluations() if reduction(study, row) is None]
    return [row for row in rows if getattr(study.samplings[row[1]], "order", "time") == "time"]


def _own_rate(study: Study) -> list[Row]:
    """Whole token streams at the recipe's fusion window: other rates have a table of their own."""
    return [row for row in _own_recipe(study) if _stream(study, row).window is None]


def _own_recipe(study: Study) -> list[Row]:
    """Token streams of videos of the variant's own recipe, without reducers."""
    rows = [row for row in stream_rows(study) if _stream(study, row).reducer is None]
    return [row for row in rows if recipe_shown(study, row) == study.recipe_of(row[0])]


def _stream(study: Study, row: Row) -> Stream:
    sampling = study.samplings[row[1]]
    assert isinstance(sampling, Stream)
    return sampling


def _ablation(study: Study, wanted: Any) -> list[Row]:
    """Rows as trained whose changes are `wanted`, and the plain rows under the same samplings; none without a changed one."""
    rows = [row for row in _own_rate(study) if as_trained(study, row) and uses_delta(study, row[0])]
    changed = [row for row in rows if wanted(set(changes(study, row[0])))]
    plain = [row for row in rows if not changes(study, row[0]) and row[1] in {sampling for _, sampling in changed}]
    return plain + changed if changed else []


def _overridden(study: Study, name: str) -> bool:
    if study.method_of(name) != "msjoe":
        return False  # a rival's settings are its own, no ablation of MSJoE's
    variant = study.variants[name]
    changed = getattr(variant, "training", {}) or getattr(variant, "models", {})
    return bool(changed) or (isinstance(variant, JointVariant) and _overridden(study, variant.sampler))


def _flat(overrides: dict[str, Any], prefix: str) -> dict[str, Any]:
    pairs: dict[str, Any] = {}
    for key, value in overrides.items():
        pairs |= _flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return pairs
