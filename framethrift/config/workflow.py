"""What the Snakefile knows of a run: the study, its folders, and which files each job needs."""

import os
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from framethrift.config.benchmarks import datasets_of, load_benchmarks
from framethrift.config.controls import controls_of
from framethrift.config.digest import rule_digest
from framethrift.config.judge import Endpoint, JudgeSettingsError
from framethrift.config.layout import Layout
from framethrift.config.load import StudyError, load_study
from framethrift.config.sampling import Chance, Replay
from framethrift.config.study import Study
from framethrift.config.tables import TARGETS, table_rows
from framethrift.config.variants import BaselineVariant, SamplerVariant


class Workflow:
    """A study as the DAG sees it. Every method returns paths or lists of them, relative to the working folder."""

    def __init__(
        self,
        source: str,
        overrides: list[str],
        *,
        results: str = "results",
        shards: int = 1,
        retries: Mapping[str, int] | None = None,
    ) -> None:
        self._retries = dict(retries or {})
        self._digests: dict[tuple[str, ...], str] = {}
        self.study: Study = load_study(source, overrides)
        self.layout = Layout(f"{results}/{self.study.name}")
        self._keep_apart()
        self.shards = shards  # jobs that a cell's questions are divided among: a matter of the machine, not of the science
        # Not a parameter of the rules: a changed override must rerun only what its digests say.
        words = ["--study", source, *(word for override in overrides for word in ("--set", override))]
        self.arguments = shlex.join(words).replace("{", "{{").replace("}", "}}")  # part of a command that Snakemake formats

    def _keep_apart(self) -> None:
        """Refuse an index file among the study's results: what no job makes is deleted there when a run is repaired."""
        for name, shown in self.study.samplings.items():
            if isinstance(shown, Replay):
                for folder in (self.layout.root, self.layout.report.parent):
                    if Path(os.path.abspath(shown.indices)).is_relative_to(os.path.abspath(folder)):
                        raise StudyError(f"samplings.{name}.indices: {shown.indices} lies in {folder}; keep it outside")

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> "Workflow":
        """From `snakemake --config`: study=NAME or FILE, clips=FOLDER, set=FIELD=VALUE (or a list of them), shards=N.

        The SLURM profile adds the content of its site file as `site`, already checked.
        Snakemake takes outer quotes off a value before it reads it as YAML: a folder with quotes in its name comes as
        clips=["…"].
        Raises StudyError for an unknown key, shards that are no number above 0, and for everything that load_study refuses.
        """
        unknown = sorted(set(config) - {"study", "clips", "set", "shards", "site"})
        if unknown:
            raise StudyError(f"--config {unknown[0]}: unknown; allowed: study, clips, set, shards")
        fields = config.get("set", [])
        overrides = [fields] if isinstance(fields, str) else list(fields)
        if config.get("clips"):
            clips = config["clips"]
            overrides.append(f"clips={clips[0] if isinstance(clips, list) else clips}")
        shards = str(config.get("shards", 1))
        if not shards.isdecimal() or int(shards) < 1:
            raise StudyError(f"--config shards={shards}: expected a number of jobs per cell, at least 1")
        retries = (config.get("site") or {}).get("retries")
        return cls(str(config.get("study", "mini")), overrides, shards=int(shards), retries=retries)

    def retries(self, kind: str) -> int:
        """How often a failed job of a kind (training, others) is tried again; 0 leaves it to Snakemake's own --retries."""
        return self._retries.get(kind, 0)

    def tables(self, dataset: str) -> list[str]:
        """The re-encoded videos of a dataset and its questions."""
        return [f"{self.layout.codec(dataset)}/videos.parquet", f"{self.layout.videos(dataset)}/questions.parquet"]

    def captions(self, stage: str) -> list[str]:
        """Captioned frames that a tower is trained on; none when it is loaded ready-made."""
        if getattr(self.study.models, stage).source:
            return []
        datasets = getattr(self.study.training, stage).datasets
        return [
            path
            for name in datasets
            for path in (f"{self.layout.codec(name)}/videos.parquet", f"{self.layout.videos(name)}/captions.parquet")
        ]

    def pairs(self, delta: str) -> list[str]:
        """Videos whose frame pairs train a Δ-encoder."""
        return [f"{self.layout.codec(name)}/videos.parquet" for name in self.study.training_of(delta).delta.datasets]

    def model(self, variant: str, seed: int | str) -> str:
        """A variant's model; its manifest is written last."""
        return f"{self.layout.model(variant, int(seed))}/framethrift.json"

    def fine_tuning(self, variant: str, seed: int | str) -> list[str]:
        """What a VideoLM is fine-tuned from and on."""
        if variant in self.study.linked():
            return self.weights()
        owner = self.study.delta_of(variant)
        start = self.study.videolm(variant).start
        needed = [path for name in self.study.dataset_of(variant) for path in self.tables(name)]
        needed += [self.model(start, seed)] if start else []
        return [*needed, *([f"{self.layout.delta(owner, int(seed))}/framethrift.json"] if owner else [])]

    def answering(self, variant: str, sampling: str, seed: int | str) -> list[str]:
        """Models that answer under a sampling, and what picks frames; a baseline's weights are ready-made, and a random choice
        needs nothing."""
        if isinstance(self.study.samplings[sampling], Chance):
            return []
        if isinstance(self.study.variants[variant], BaselineVariant):
            return [*self.weights(), *self._picking(sampling)]
        models = [self.model(variant, seed)]
        if isinstance(self.study.variants[variant], SamplerVariant):
            models.append(self.model(self.study.mllm_of(variant), seed))
        return [*models, *self._picking(sampling)]

    def _picking(self, sampling: str) -> list[str]:
        """What frames are picked with: the CLIP that scores them, or the file that names them."""
        shown = self.study.samplings[sampling]
        if isinstance(shown, Replay):
            return [shown.indices]
        return [f"{self.layout.clip}/framethrift.json"] if self.study.needs_clip(sampling) else []

    def asked(self, variant: str, sampling: str) -> list[str]:
        """Videos and questions of a cell's benchmarks."""
        return self._about(self.study.evaluations()[variant, sampling])

    def _about(self, benchmarks: Iterable[str]) -> list[str]:
        """Videos and questions of benchmarks."""
        datasets = dict.fromkeys(dataset for benchmark in benchmarks for dataset in datasets_of(self.study, benchmark))
        return [path for name in datasets for path in self.tables(name)]

    def shard_files(self, variant: str, sampling: str, seed: int | str) -> list[str]:
        """Proof that each shard of a cell is answered."""
        folder = self.layout.answers(variant, sampling, int(seed))
        return [f"{folder}/{shard}-of-{self.shards}.json" for shard in range(self.shards)]

    def evaluating(self, variant: str, sampling: str) -> list[str]:
        """What a cell is computed from, with every seed: its shards, or what answers and what is asked."""
        seeds = self.study.seeds
        if self.shards > 1:
            return [path for seed in seeds for path in self.shard_files(variant, sampling, seed)]
        models = [path for seed in seeds for path in self.answering(variant, sampling, seed)]
        return list(dict.fromkeys([*models, *self.asked(variant, sampling)]))

    @property
    def methods(self) -> list[str]:
        """Methods whose cells at one budget are one job, for starting a process takes longer than a small model's answers.

        None where cells are divided among jobs instead.
        """
        return self.study.arena.methods if self.study.arena and self.shards == 1 else []

    def entries(self, budget: int | str) -> list[str]:
        """The arena's samplings at a budget in %."""
        return self.study.arena.entries(int(budget)) if self.study.arena else []

    def competing(self, variant: str, budget: int | str) -> list[str]:
        """What the arena's cells of a variant at a budget are computed from."""
        return self.evaluating(variant, self.entries(budget)[0])

    def timed(self, variant: str, seed: int | str) -> list[str]:
        """What a variant's latency is measured with."""
        samplings = [name for timed in self.study.latency if timed.variant == variant for name in timed.samplings]
        return list(dict.fromkeys(path for name in samplings for path in self.answering(variant, name, seed)))

    def conversing(self, variant: str, sampling: str, seed: int | str) -> list[str]:
        """What example conversations are held with, and what is asked in them."""
        asked = self._about([self.study.dialogue_of(variant, sampling).benchmark])
        return [*self.answering(variant, sampling, seed), *asked]

    def cells(self, pairs: Iterable[tuple[str, str]] | None = None) -> list[str]:
        """The cells of all (variant, sampling) of the study, or of `pairs`, with every seed."""
        wanted = self.study.evaluations() if pairs is None else pairs
        return [f"{self.layout.cell(*pair, seed)}/cells.json" for pair in wanted for seed in self.study.seeds]

    def judged(self, pairs: Iterable[tuple[str, str]] | None = None) -> list[str]:
        """Verdicts on the cells with open answers that a judge scores: of all (variant, sampling), or of `pairs`."""
        registry, evaluations = load_benchmarks(), self.study.evaluations()
        return [
            str(self.layout.judged(*pair, seed))
            for pair in (evaluations if pairs is None else pairs)
            if any(registry[name].scoring == "judge" for name in evaluations[pair])
            for seed in self.study.seeds
        ]

    def judge(self) -> str:
        """Which judge the environment names: its model and host as a digest; a half-named one fails in the job."""
        try:
            endpoint = Endpoint.from_environment()
        except JudgeSettingsError:
            return "half-named"
        return endpoint.identity if endpoint else "none"

    def controls(self, variant: str) -> list[str]:
        """Cells that a variant's question labels are read from."""
        return self.cells(sorted({cell for controls in controls_of(self.study, variant).values() for cell in controls.cells}))

    def labels(self) -> list[str]:
        """Labels of every variant that was asked with all controls."""
        return [str(self.layout.labels(name)) for name in self.study.variants if controls_of(self.study, name)]

    def latencies(self) -> list[str]:
        """Every timed variant."""
        return [str(self.layout.latency(timed.variant, seed)) for timed in self.study.latency for seed in self.study.seeds[:1]]

    def dialogues(self) -> list[str]:
        """Every example conversation: of the study's first seed."""
        seed = self.study.seeds[0]
        return [str(self.layout.dialogue(own.variant, own.sampling, seed)) for own in self.study.dialogues]

    def retrievals(self) -> list[str]:
        """Next-frame retrieval of every pre-trained Δ-encoder."""
        owners = dict.fromkeys(filter(None, map(self.study.delta_of, self.study.variants)))
        return [str(self.layout.retrieval(owner, seed)) for owner in owners for seed in self.study.seeds]

    def table(self, name: str) -> list[str]:
        """What one of the papers' tables is made of.

        Raises StudyError for a table that the study has nothing for.
        """
        made_of = TARGETS[name].made_of
        rows = table_rows(self.study, name)
        cells = self.cells(rows) + self.judged(rows)
        files = {"cells": cells, "retrieval": self.retrievals(), "latency": self.latencies()}[made_of]
        if not files:
            raise StudyError(f"study {self.study.name} has no {made_of} for {name}: name its variants and samplings in the study")
        return files

    def weights(self) -> list[str]:
        """Proof that ready-made weights are here, before any job that loads them; none when the study trains everything."""
        return (
            [str(self.layout.weights)]
            if self.study.names_of(BaselineVariant)
            or any(getattr(self.study.models, part).source for part in ("vision", "language", "clip"))
            else []
        )

    def texts(self) -> list[str]:
        """Questions and captions that a trained tokenizer must spell; never those of published benchmarks."""
        if self.study.models.language.source:
            return []
        return [
            f"{self.layout.videos(name)}/{table}.parquet"
            for name, dataset in self.study.datasets.items()
            if dataset.kind != "benchmark"
            for table in ("questions", "captions")
        ]

    def rated(self, variant: str) -> list[str]:
        """Videos and questions that a VideoLM's pass rates are measured on."""
        return [path for name in self.study.rated_datasets(variant) for path in self.tables(name)]

    def reinforcing(self, variant: str) -> list[str]:
        """Videos and questions that a sampler or a joint variant learns from."""
        return [path for name in self.study.dataset_of(variant) for path in self.tables(name)]

    def pass_rates(self, sampler: str, seed: int | str) -> str:
        """Pass rates that a sampler's difficulty-aware advantage is computed from."""
        return str(self.layout.pass_rates(self.study.mllm_of(sampler), int(seed)))

    def long_sets(self, mllm: str) -> list[str]:
        """Videos and questions of the long-video sets that a VideoLM's pass rates thin out."""
        return [path for name in self.study.long_sets(mllm) for path in self.tables(name)]

    def curated(self, variant: str, seed: int | str) -> list[str]:
        """Which questions a sampler or a joint variant learns from, where they come from a long-video set."""
        learnt = self.study.learnt_long_sets(variant)
        return [str(self.layout.curated(self.study.mllm_of(variant), int(seed)))] if learnt else []

    def curations(self) -> list[str]:
        """Every thinned-out long-video set, for its page in the report."""
        reinforced = self.study.names_of(SamplerVariant)
        return list(dict.fromkeys(path for name in reinforced for seed in self.study.seeds for path in self.curated(name, seed)))

    def names(self, kind: str) -> str:
        """Regular expression of the variants of a kind; one that matches nothing when there is none."""
        linked = self.study.linked() if kind == "videolm" else []
        return "|".join(name for name, variant in self.study.variants.items() if variant.kind == kind or name in linked) or "(?!)"

    def digest(self, rule: str, *names: str) -> str:
        """What decides the rule's result: its part of the settings and of the code."""
        key = (rule, *names)
        if key not in self._digests:  # the same for every seed
            self._digests[key] = rule_digest(self.study, rule, *names)
        return self._digests[key]
