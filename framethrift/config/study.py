"""A study: one whole experiment, config/studies/<study>.yaml."""

from collections.abc import Collection
from typing import Any

from pydantic import Field, field_validator, model_validator

from framethrift.config.arena import Arena
from framethrift.config.base import Section
from framethrift.config.cells import Cells, Dialogues, Latency
from framethrift.config.data import Dataset, LongVideoQA, MotionWorld
from framethrift.config.models import Models
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Blind, Chance, Replay, Sampling, Select, Stream, Tiered
from framethrift.config.training import Training
from framethrift.config.variants import BaselineVariant, JointVariant, SamplerVariant, Variant, VideolmVariant

TRAINED = ("msjoe", "tspo")  # selectors that read the network of a sampler variant
# Selectors that need what only a study knows of a question: its evidence, its id in a file, a sampler variant.
OF_A_STUDY = ("oracle", "replay", *TRAINED)


def merge(base: dict[str, Any], overrides: dict[str, Any]) -> dict[str, Any]:
    """Lay `overrides` over `base`, mapping by mapping; other values replace."""
    merged = dict(base)
    for key, value in overrides.items():
        merged[key] = merge(merged[key], value) if isinstance(value, dict) and isinstance(merged.get(key), dict) else value
    return merged


def require_known(field: str, name: str, section: Collection[str]) -> None:
    """Raise ValueError when `section` does not define what `field` names."""
    if name not in section:
        raise ValueError(f"{field}: {name!r} is not defined; allowed: {sorted(section)}")


class Study(Section):
    """One whole experiment: data, models, training, variants, samplings and the cells to compute."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="Name of the study; results and reports go to folders of this name."
    )
    description: str = Field(description="One sentence for the report.")
    seeds: list[int] = Field([0], min_length=1, description="Seeds; every variant is trained and evaluated once per seed.")
    recipes: dict[str, Recipe] = Field(min_length=1, description="Re-encoding recipes by name.")
    datasets: dict[str, Dataset] = Field(min_length=1, description="Datasets by name.")
    models: Models = Models()
    training: Training
    variants: dict[str, Variant] = Field(default_factory=dict, description="Trained models by name.")
    samplings: dict[str, Sampling] = Field(default_factory=dict, description="Ways to show a video, by name.")
    cells: list[Cells] = Field(default_factory=list, description="Blocks of cells to compute.")
    arena: Arena | None = Field(None, description="Token reducers on equal terms: their samplings and cells, as one list.")
    latency: list[Latency] = Field(default_factory=list, description="What is timed.")
    dialogues: list[Dialogues] = Field(default_factory=list, description="Example conversations for the report.")
    allow_partial: bool = Field(
        False,
        description="Evaluate published benchmarks although questions or videos are missing; every table marks it.",
    )
    bootstrap: int = Field(2000, ge=100, description="Resamples of the 95 % bootstrap over videos.")

    @field_validator("seeds")
    @classmethod
    def _distinct(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) != len(seeds) or min(seeds) < 0:
            raise ValueError(f"{seeds}: seeds must be distinct and not negative")
        return seeds

    @field_validator("recipes", "datasets", "variants", "samplings")
    @classmethod
    def _path_names(cls, section: dict[str, Any]) -> dict[str, Any]:
        for name in section:
            if not name or not all(c.isascii() and (c.isalnum() or c in "_-") for c in name):
                raise ValueError(f"name {name!r} becomes a path: only ASCII letters, digits, '_' and '-' are allowed")
        return section

    @model_validator(mode="after")
    def _entered(self) -> "Study":
        """The arena's samplings and cells stand among the study's own."""
        if self.arena is None:
            return self
        require_known("arena.sampling", self.arena.sampling, self.samplings)
        shown = self.samplings[self.arena.sampling]
        if not isinstance(shown, Stream | Select) or shown.reducer is not None:
            raise ValueError(f"arena.sampling: {self.arena.sampling!r} shows no tokens to reduce, or has a reducer already")
        if isinstance(shown, Select) and shown.rest == "delta":
            raise ValueError(f"arena.sampling: {self.arena.sampling!r} (rest: delta) is not reduced; choose one with rest: drop")
        if isinstance(shown, Tiered):
            raise ValueError(f"arena.sampling: {self.arena.sampling!r} (kind: tiered) is not reduced; choose one of kind: select")
        for name, sampling in self.arena.samplings(shown).items():
            if self.samplings.setdefault(name, sampling) != sampling:
                raise ValueError(f"samplings.{name}: the arena makes another sampling of that name; call yours otherwise")
        if self.arena.cells() not in self.cells:
            self.cells.append(self.arena.cells())
        return self

    @model_validator(mode="after")
    def _references(self) -> "Study":
        for name, dataset in self.datasets.items():
            require_known(f"datasets.{name}.recipe", dataset.recipe, self.recipes)
            recipe = self.recipes[dataset.recipe]
            if isinstance(dataset, MotionWorld) and (dataset.fps, dataset.gop, dataset.window) != (
                recipe.fps,
                recipe.gop,
                recipe.window,
            ):
                raise ValueError(
                    f"datasets.{name}: fps, gop and window {(dataset.fps, dataset.gop, dataset.window)} differ from "
                    f"those of recipe {dataset.recipe!r}, {(recipe.fps, recipe.gop, recipe.window)}: "
                    "its objects move within one fusion window"
                )
        for stage in ("vision", "clip", "delta"):
            for dataset in getattr(self.training, stage).datasets:
                require_known(f"training.{stage}.datasets", dataset, self.datasets)
        for name, variant in self.variants.items():
            self._check_variant(name, variant)
        for index, block in enumerate(self.cells):
            for variant_name in block.variants:
                require_known(f"cells[{index}].variants", variant_name, self.variants)
            for sampling in block.samplings:
                require_known(f"cells[{index}].samplings", sampling, self.samplings)
                for variant_name in block.variants:
                    self._check_showing(f"cells[{index}]", variant_name, sampling)
        for index, timed in enumerate(self.latency):
            require_known(f"latency[{index}].variant", timed.variant, self.variants)
            if self.backbone_of(timed.variant) is not None:
                raise ValueError(f"latency[{index}].variant: {timed.variant!r} is a baseline, which is not timed; choose another")
            for sampling in timed.samplings:
                require_known(f"latency[{index}].samplings", sampling, self.samplings)
                if isinstance(self.samplings[sampling], Replay):
                    raise ValueError(
                        f"latency[{index}].samplings: {sampling!r} replays a file, and what chose its frames cannot be timed; "
                        "choose another"
                    )
        frames = self.training.key_frames
        if frames.previews > frames.frames:
            raise ValueError(
                f"training.key_frames.previews: {frames.previews} exceeds frames {frames.frames}; the paper uses K/2"
            )
        return self

    def _check_showing(self, field: str, name: str, sampling: str) -> None:
        """Refuse a sampling that a baseline cannot be shown, and one whose trained selector the variant does not have."""
        variant, shown = self.variants[name], self.samplings[sampling]
        if isinstance(shown, Select) and shown.selector in TRAINED and self.method_of(name) not in (None, shown.selector):
            raise ValueError(
                f"{field}: {name!r} has a {self.method_of(name)} sampler, which selector {shown.selector!r} cannot read"
            )
        backbone = self.backbone_of(name)
        if backbone is None:
            return
        own = () if isinstance(variant, BaselineVariant) else (self.method_of(name),)
        if backbone.family == "text":
            fits = isinstance(shown, Blind | Chance)
        elif isinstance(shown, Stream):
            fits = shown.delta == "drop" and shown.fusion == "fixed"
        else:
            fits = not isinstance(shown, Select) or (shown.selector not in set(TRAINED) - set(own) and shown.rest == "drop")
        if getattr(shown, "reducer", None) is not None and backbone.family != "llava_onevision":
            raise ValueError(f"{field}: {sampling!r} has a reducer, which baseline {name!r} ({backbone.family}) has no place for")
        if isinstance(shown, Tiered):
            raise ValueError(
                f"{field}: {name!r} ({backbone.family}) cannot be shown {sampling!r}: a baseline sees all frames at one size, "
                "kind: tiered shows them at several; use kind: select"
            )
        if not fits:
            raise ValueError(
                f"{field}: {name!r} ({backbone.family}) cannot be shown {sampling!r}: Δ-tokens and sampler networks "
                "belong to variants trained here, and a text model sees no frames"
            )

    def _check_variant(self, name: str, variant: Variant) -> None:
        field = f"variants.{name}"
        if isinstance(variant, BaselineVariant):
            return
        if isinstance(variant, VideolmVariant):
            for dataset in variant.datasets:
                require_known(f"{field}.datasets", dataset, self.datasets)
            for sampling in variant.samplings:
                require_known(f"{field}.samplings", sampling, self.samplings)
                if getattr(self.samplings[sampling], "reducer", None) is not None:
                    raise ValueError(f"{field}.samplings: {sampling!r} has a reducer, which is for inference; train without it")
                if getattr(self.samplings[sampling], "delta", "keep") not in ("keep", "drop"):
                    raise ValueError(
                        f"{field}.samplings: {sampling!r} alters the Δ-tokens, which is for inference; to train on one branch, "
                        "set models.delta_encoder.motion_tokens or residual_tokens to 0"
                    )
                if isinstance(self.samplings[sampling], Tiered):
                    raise ValueError(f"{field}.samplings: {sampling!r} (kind: tiered) is for inference; train with kind: select")
                if isinstance(self.samplings[sampling], Chance):
                    raise ValueError(f"{field}.samplings: {sampling!r} is a random choice; nothing can be trained with it")
                if isinstance(self.samplings[sampling], Replay):
                    raise ValueError(
                        f"{field}.samplings: {sampling!r} replays a file about benchmarks' questions; train with another selector"
                    )
            self._check_start(name, variant)
            if not variant.trained and self.models_of(name).language.source is None:
                raise ValueError(f"{field}.trained: false needs models.language.source, the published weights")
        elif isinstance(variant, SamplerVariant):
            require_known(f"{field}.mllm", variant.mllm, self.variants)
            require_known(f"{field}.dataset", variant.dataset, self.datasets)
            reasons = [
                name
                for name, own in self.variants.items()
                if isinstance(own, VideolmVariant) or (isinstance(own, BaselineVariant) and own.family == "qwen2_5_vl")
            ]
            if variant.mllm not in reasons:
                raise ValueError(f"{field}.mllm: {variant.mllm!r} is no VideoLM that writes queries; allowed: {reasons}")
        else:
            require_known(f"{field}.sampler", variant.sampler, self.variants)
            if not isinstance(self.variants[variant.sampler], SamplerVariant) or self.method_of(variant.sampler) != "msjoe":
                raise ValueError(
                    f"{field}.sampler: {variant.sampler!r} is no sampler of MSJoE's; allowed: {self.names_of(SamplerVariant)}"
                )
            mllm = self.mllm_of(name)
            if self.training_of(name).joint.engine == "vllm" and not isinstance(self.variants[mllm], BaselineVariant):
                raise ValueError(
                    f"{field}.training.joint.engine: vllm has no class for {mllm!r}, this project's own; use transformers"
                )
        self.models_of(name)
        self.training_of(name)

    def _check_start(self, name: str, variant: VideolmVariant) -> None:
        field, seen = f"variants.{name}.start", [name]
        while variant.start is not None:
            require_known(field, variant.start, self.variants)
            seen.append(variant.start)
            if seen.count(variant.start) > 1:
                raise ValueError(f"{field}: {' goes on from '.join(map(repr, seen))}; one of them must start afresh")
            variant = self.videolm(variant.start)
        if len(seen) > 1 and self.models_of(name) != self.models_of(seen[1]):
            raise ValueError(f"{field}: {seen[1]!r} has other models than {name!r}, which cannot go on from it")

    def videolm(self, name: str) -> VideolmVariant:
        """The variant `name`; raises ValueError when it is no VideoLM."""
        variant = self.variants[name]
        if not isinstance(variant, VideolmVariant):
            raise ValueError(
                f"variants.{name}: a {variant.kind}, but a VideoLM is needed; allowed: {self.names_of(VideolmVariant)}"
            )
        return variant

    def dialogue_of(self, variant: str, sampling: str) -> Dialogues:
        """The entry of `dialogues` that asks a variant under a sampling; KeyError when there is none."""
        held = {(own.variant, own.sampling): own for own in self.dialogues}
        if (variant, sampling) not in held:
            lacking = f"study {self.name!r} holds no conversation with {variant!r} under {sampling!r}"
            raise KeyError(f"{lacking}; it holds {sorted(held)}")
        return held[variant, sampling]

    def names_of(self, *kinds: type) -> list[str]:
        """Names of the variants of the given kinds, in the order of the file."""
        return [name for name, variant in self.variants.items() if isinstance(variant, kinds)]

    def models_of(self, variant: str) -> Models:
        """The models section with the variant's overrides.

        Raises ValueError naming the field when an override is unknown or impossible.
        """
        return Models.model_validate(merge(self.models.model_dump(), self._overrides(variant, "models")))

    def training_of(self, variant: str) -> Training:
        """The training section with the variant's overrides; errors as `models_of`."""
        return Training.model_validate(merge(self.training.model_dump(), self._overrides(variant, "training")))

    def _overrides(self, variant: str, section: str) -> dict[str, Any]:
        settings = self.variants[variant]
        return {} if isinstance(settings, BaselineVariant) else getattr(settings, section)

    def method_of(self, variant: str) -> str | None:
        """Which trained sampler a variant has, as its selector is called; None for a VideoLM or a baseline."""
        settings = self.variants[variant]
        if isinstance(settings, JointVariant):
            return self.method_of(settings.sampler)
        return settings.method if isinstance(settings, SamplerVariant) else None

    def mllm_of(self, variant: str) -> str:
        """Name of the VideoLM variant that `variant` answers with before any joint training."""
        settings = self.variants[variant]
        if isinstance(settings, JointVariant):
            return self.mllm_of(settings.sampler)
        return settings.mllm if isinstance(settings, SamplerVariant) else variant

    def backbone_of(self, variant: str) -> BaselineVariant | None:
        """The published model of another class that answers for a variant before any joint training, if it is one."""
        own = self.variants[self.mllm_of(variant)]
        return own if isinstance(own, BaselineVariant) else None

    def linked(self) -> list[str]:
        """Baselines that are the MLLM of samplers: their models lie in the study as links to their checkpoints."""
        used = {own.mllm for own in self.variants.values() if isinstance(own, SamplerVariant)}
        return [name for name in self.names_of(BaselineVariant) if name in used]

    def dataset_of(self, variant: str) -> list[str]:
        """Datasets whose train split the variant sees."""
        settings = self.variants[variant]
        if isinstance(settings, JointVariant):
            return self.dataset_of(settings.sampler)
        if isinstance(settings, BaselineVariant):
            return []
        return [settings.dataset] if isinstance(settings, SamplerVariant) else settings.datasets

    def rated_datasets(self, variant: str) -> list[str]:
        """Datasets on whose training questions a VideoLM's pass rates are measured: those of the samplers beside it."""
        samplers = [own.dataset for own in self.variants.values() if isinstance(own, SamplerVariant) and own.mllm == variant]
        return sorted(set(samplers)) or self.dataset_of(variant)

    def long_sets(self, variant: str) -> dict[str, LongVideoQA]:
        """Those of `rated_datasets` that the pass rates thin out, by name."""
        rated = {name: self.datasets[name] for name in self.rated_datasets(variant)}
        return {name: dataset for name, dataset in rated.items() if isinstance(dataset, LongVideoQA)}

    def learnt_long_sets(self, variant: str) -> list[str]:
        """The thinned-out sets that a sampler or a joint variant learns from."""
        learnt = self.dataset_of(variant)
        return [name for name in self.long_sets(self.mllm_of(variant)) if name in learnt]

    def delta_of(self, variant: str) -> str | None:
        """Name of the variant's pre-trained Δ-encoder: that of the first variant with equal settings; None without it."""
        if not self._pretrains_delta(variant):
            return None
        settings = (self.models_of(variant).delta_encoder, self.training_of(variant).delta)
        for name in self.variants:
            if self._pretrains_delta(name) and (self.models_of(name).delta_encoder, self.training_of(name).delta) == settings:
                return name
        return variant

    def shows_delta(self, variant: str) -> bool:
        """Whether a VideoLM variant is trained with Δ-tokens."""
        settings = self.variants[variant]
        shown = [self.samplings[name] for name in settings.samplings] if isinstance(settings, VideolmVariant) else []
        return any(
            sampling.delta != "drop"
            if isinstance(sampling, Stream)
            else isinstance(sampling, Select) and sampling.rest == "delta"
            for sampling in shown
        )

    def _pretrains_delta(self, variant: str) -> bool:
        settings = self.variants[variant]
        return (
            isinstance(settings, VideolmVariant)
            and settings.trained
            and settings.start is None
            and settings.delta_pretraining
            and self.shows_delta(variant)
        )

    def recipe_of(self, variant: str) -> Recipe:
        """The recipe of the videos a variant was trained on; the study's first for a published model or a baseline."""
        datasets = self.dataset_of(variant)
        return self.recipes[self.datasets[datasets[0]].recipe] if datasets else next(iter(self.recipes.values()))

    def serving(self, variant: str) -> dict[str, Any]:
        """What a model's folder must say for the model to be used alone: recipe, sampling and key frames it was trained with."""
        frames = self.training_of(variant).key_frames
        shown: Sampling = Select(frames=frames.frames, candidate_fps=frames.candidate_fps)
        if self.backbone_of(variant) is None:
            shown = self.samplings[self.videolm(self.mllm_of(variant)).samplings[0]]
        if isinstance(shown, Select) and shown.selector == "oracle":  # nobody's own clip comes with annotated evidence
            shown = shown.model_copy(update={"selector": "uniform"})
        return {
            "study": self.name,
            "recipe": self.recipe_of(variant).model_dump(mode="json"),
            "sampling": shown.model_dump(mode="json"),
            "key_frames": frames.model_dump(mode="json"),
        }

    def needs_clip(self, sampling: str) -> bool:
        """Whether showing videos this way scores frames with CLIP."""
        chosen = self.samplings[sampling]
        return isinstance(chosen, Select) and chosen.queries != "none"

    def evaluations(self) -> dict[tuple[str, str], list[str]]:
        """(variant, sampling) → benchmarks, each evaluated once per seed."""
        wanted: dict[tuple[str, str], list[str]] = {}
        for block in self.cells:
            for variant in block.variants:
                for sampling in block.samplings:
                    known = wanted.setdefault((variant, sampling), [])
                    known.extend(name for name in block.benchmarks if name not in known)
        return wanted
