"""A study's result as one archive: a Workflow Run RO-Crate with tables, per-question outputs, settings, digests and cards."""

import tempfile
from pathlib import Path

import yaml
from rocrate.model.contextentity import ContextEntity
from rocrate.rocrate import ROCrate

from framethrift.files import replace_file
from framethrift.models.folder import MANIFEST
from framethrift.progress import Progress
from framethrift.reporting.cards import data_cards, model_cards
from framethrift.reporting.sources import Sources

PROFILES = (
    "https://w3id.org/ro/wfrun/process/0.5",
    "https://w3id.org/ro/wfrun/workflow/0.5",
    "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
)
# The workflow itself: what was run, how it was set up, under which licence and how to cite it.
SOURCES = ("Snakefile", "workflow", "config", "requirements.lock", "CITATION.cff", "LICENSE", "README.md")


def write_bundle(sources: Sources, report_dir: Path, target: Path, progress: Progress, *, revision: str | None) -> Path:
    """Write `target` (.zip): the report, every cell with its questions, all other figures, model manifests, cards.

    Weights and videos are not packed: their digests are (in manifests and codec tables). Raises FileNotFoundError when the
    report has not been rendered.
    """
    if not (report_dir / "index.html").is_file():
        raise FileNotFoundError(f"{report_dir / 'index.html'} does not exist: render the report first")
    study, root = sources.study, sources.layout.root
    crate = ROCrate()
    crate.name = f"Framethrift study {study.name}"
    crate.description = f"{study.description} Per-question files hold the benchmarks' questions: their licences go with them."
    crate.license = "https://spdx.org/licenses/Apache-2.0"
    crate.root_dataset["conformsTo"] = [
        crate.add(ContextEntity(crate, url, {"@type": "CreativeWork", "name": url.split("/ro")[-1]})) for url in PROFILES
    ]
    workflow = crate.add_workflow("Snakefile", "Snakefile", main=True, lang="snakemake")
    workflow["version"] = revision or "not given"
    for name in SOURCES[1:]:
        (crate.add_dataset if Path(name).is_dir() else crate.add_file)(name, name)
    results = [crate.add_dataset(report_dir, f"report/{study.name}", properties={"name": "Report: pages, tables, figures, PDF"})]
    for path in _figures(root):
        place = path.relative_to(root).as_posix()
        results.append(crate.add_file(path, f"results/{study.name}/{place}"))
    with tempfile.TemporaryDirectory() as made:
        for name, text in _texts(sources).items():
            path = Path(made, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            results.append(crate.add_file(path, name))
        run = {
            "@type": "CreateAction",
            "name": f"Run of study {study.name}",
            "instrument": {"@id": workflow.id},
            "result": [{"@id": entity.id} for entity in results],
            "actionStatus": "http://schema.org/" + ("FailedActionStatus" if sources.problems else "CompletedActionStatus"),
        }
        crate.root_dataset["mentions"] = crate.add(ContextEntity(crate, "#run", run))
        replace_file(target, crate.write_zip)
    progress.say(f"{target}: {len(results)} results, {target.stat().st_size / 1e6:.1f} MB")
    return target


def _figures(root: Path) -> list[Path]:
    """Everything a number of the report rests on, and the manifests that prove which weights and videos made it."""
    patterns = ("cells/**/*.json*", *(f"{folder}/**/*.json" for folder in ("retrieval", "latency", "dialogues")))
    proofs = (f"models/**/{MANIFEST}", "codec/*/*.parquet")
    tables = ("videos/*/questions.parquet", "videos/*/videos.parquet", "videos/*/quarantine.parquet")
    return sorted(path for pattern in (*patterns, *proofs, *tables) for path in root.glob(pattern) if path.is_file())


def _texts(sources: Sources) -> dict[str, str]:
    settings = yaml.safe_dump(sources.study.model_dump(mode="json"), sort_keys=False, allow_unicode=True, width=110)
    cards = [*data_cards(sources), *model_cards(sources)]
    named = {f"cards/{card.kind.lower()}-{card.name.replace(', ', '-').replace(' ', '')}.md": card.markdown() for card in cards}
    return {"settings.yaml": settings, **named}
