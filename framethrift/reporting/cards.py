"""Data cards and model cards: what each dataset and each trained model is, and what it must not be taken for."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from framethrift.config.data import Clips, LongVideoQA, Official, Published
from framethrift.config.sources import load_sources
from framethrift.config.variants import BaselineVariant, JointVariant, SamplerVariant
from framethrift.models.folder import MANIFEST
from framethrift.reporting.cell_file import Problem, read_columns, read_json
from framethrift.reporting.labels import change_label, row_label, variant_label
from framethrift.reporting.sources import Sources


@dataclass(frozen=True)
class Card:
    """One card: `facts` in reading order."""

    kind: str
    name: str
    facts: dict[str, str]

    def markdown(self) -> str:
        """The card as a Markdown file."""
        lines = [f"# {self.kind} {self.name}", ""]
        return "\n".join([*lines, *(f"**{name}**: {fact}\n" for name, fact in self.facts.items())])


def data_cards(sources: Sources) -> list[Card]:
    """A card per dataset of the study."""
    return [Card("Dataset", name, _dataset(sources, name)) for name in sources.study.datasets]


def model_cards(sources: Sources) -> list[Card]:
    """A card per variant and seed of the study."""
    study = sources.study
    return [
        Card("Model", f"{variant}, seed {seed}", _model(sources, variant, seed))
        for variant in study.variants
        for seed in study.seeds
    ]


def _dataset(sources: Sources, name: str) -> dict[str, str]:
    study, layout = sources.study, sources.layout
    settings, recipe = study.datasets[name], study.recipes[study.datasets[name].recipe]
    if isinstance(settings, Clips):
        origin, licence, limits = f"The user's clips of {settings.folder}.", "That of the clips.", "Whatever the clips show."
    elif isinstance(settings, Official):
        origin, licence = f"Published videos listed in {settings.listing}.", settings.licence
        limits = "Those its publisher states; nothing was added or relabelled."
    elif isinstance(settings, LongVideoQA):
        made = "Spliced from captioned events and other videos" if settings.splicing else "The long videos"
        origin, licence = f"{made} of {settings.folder}, asked about by {settings.writer}.", settings.licence
        limits = "Questions about the order of captioned events only; as good as the captions are."
    elif isinstance(settings, Published):
        source = load_sources()[settings.source]
        origin, licence = f"Published test questions and videos of {source.title}; see {source.page}.", source.licence
        limits = "Test data only; what is missing is counted in every table it touches."
    else:
        origin = f"Rendered by this project ({settings.kind.replace('_', ' ')}), world seed {settings.seed}; no person is shown."
        licence = "Apache-2.0, as this project."
        limits = "Tests mechanisms only: accuracy on it says nothing about real videos."
    facts = {"Origin": origin, "Licence": licence}
    place = f"card of {name}"
    videos, _ = read_columns(layout.codec(name) / "videos.parquet", ["split"], place)
    questions, _ = read_columns(layout.videos(name) / "questions.parquet", ["split", "benchmark"], place)
    facts["Videos"] = "not built yet" if videos is None else _counts(videos["split"])
    facts["Questions"] = "not built yet" if questions is None else _counts(questions["split"])
    rejected = sum(item.rejected for item in sources.quarantined if item.dataset == name)
    facts["Quarantined"] = f"{rejected} videos, left out and counted, never replaced."
    facts["Re-encoded to"] = ", ".join(f"{key} {value}" for key, value in recipe.model_dump(exclude_none=True).items())
    facts["Limits"] = limits
    return facts


def _model(sources: Sources, variant: str, seed: int) -> dict[str, str]:
    study, layout = sources.study, sources.layout
    settings = study.variants[variant]
    facts = {"What it is": variant_label(study, variant)}
    if isinstance(settings, SamplerVariant | JointVariant):
        facts["Built on"] = f"{study.mllm_of(variant)}, seed {seed}"
    elif isinstance(settings, BaselineVariant):
        facts["Built on"] = settings.source
    else:
        shown = [row_label(study, (variant, name)) for name in dict.fromkeys(settings.samplings)]
        facts["Sees"] = "; ".join(shown)
        facts["Departs from the study's settings in"] = change_label(study, variant)
    facts["Trained on"] = ", ".join(study.dataset_of(variant)) or "nothing here: published weights as they are"
    manifest, problems = _manifest(layout.model(variant, seed) / MANIFEST)
    if problems:
        facts["Files"] = "not trained yet"
    else:
        files = manifest["files"]
        size = sum(entry["size"] for entry in files.values())
        digests = ", ".join(f"{name} sha256 {entry['sha256'][:12]}" for name, entry in files.items() if "safetensors" in name)
        facts["Files"] = f"{len(files)} files, {size / 1e6:.1f} MB; {digests}"
        facts["Settings digest"] = str(manifest.get("settings", "not recorded"))
    cells = [cell for key, cell in sources.results.cells.items() if key.variant == variant and not cell.missing]
    facts["Results, all seeds"] = (
        "; ".join(
            f"{cell.key.sampling} on {sources.title(cell.key.benchmark)} {100 * cell.accuracy.value:.1f} "
            f"[{100 * cell.accuracy.low:.1f}, {100 * cell.accuracy.high:.1f}] %"
            for cell in cells
        )
        or "none yet"
    )
    facts["Limits"] = "A research artefact of this study. It was not tested for safety, bias or use outside the benchmarks above."
    return facts


def _manifest(path: Path) -> tuple[dict, list[Problem]]:
    if not path.is_file():
        return {}, [Problem("model card", path, "no manifest")]
    return read_json(path, "model card")


def _counts(splits: "pd.Series[str]") -> str:
    return ", ".join(f"{number} {split}" for split, number in splits.value_counts().sort_index().items())
