"""The real annotation files, where they are: every one loads into the question table with the numbers of the registry."""

import json
import time
from pathlib import Path

import pytest

from framethrift.cli import main
from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.sources import load_sources
from framethrift.published.lookup import Found, Lookup
from framethrift.videos.benchmarks import check_counts, question_row
from framethrift.videos.tables import QUESTIONS, write_table

PLACES = [parent / "shared" / "annotations" for parent in Path(__file__).parents[3:]]
FOLDER = next((place for place in PLACES if place.is_dir()), PLACES[0])

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason=f"no annotation files in {FOLDER}")


def _formats() -> list[tuple[str, Found]]:
    sources = load_sources()
    return [
        (name, found)
        for name, source in sources.items()
        for found in Lookup(source, FOLDER).formats([*source.annotations, *source.copies])
    ]


@pytest.mark.parametrize(
    ("source", "found"), _formats(), ids=lambda value: value if isinstance(value, str) else value.files[0].stem
)
def test_files_load_with_the_registry_s_numbers(source: str, found: Found, tmp_path: Path) -> None:
    benchmark = next(name for name, registered in load_benchmarks().items() if registered.data == source)
    entries = found.entries(benchmark)
    lookup = Lookup(load_sources()[source], FOLDER)
    rows = [question_row(entry, benchmark, source, f"v{number}", lookup, cut=False) for number, entry in enumerate(entries)]
    write_table(QUESTIONS, rows, tmp_path)
    assert len({row["document_id"] for row in rows}) == found.format.questions
    if found.format.videos is not None:
        assert len({entry.video for entry in entries}) == found.format.videos
    if found.format in load_sources()[source].annotations:
        check_counts(benchmark, load_benchmarks()[benchmark], entries)


def test_all_benchmarks_with_real_files_are_covered() -> None:
    covered = {source for source, _ in _formats()}
    assert covered >= {
        *("activitynetqa", "cvrr_es", "lvbench", "mlvu", "mvbench", "nextqa", "scanqa", "sqa3d", "streamingbench", "tempcompass"),
        "video_mmmu",
    }


def test_status_of_all_of_them_takes_seconds(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["framethrift", "data", "status", "paper", "--root", str(FOLDER), "--json"])
    began = time.process_time()
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == 0
    assert time.process_time() - began < 10
    states = {state["dataset"]: state for state in json.loads(capsys.readouterr().out)}
    assert len(states) == 21
    assert states["mlvu"]["counts"] == [
        {"what": "mlvu", "questions": 2175, "expected_questions": 2175, "videos": 1122, "expected_videos": 1122}
    ]
    assert not states["mlvu"]["ready"]
    assert (states["nextqa"]["videos_needed"], states["nextqa"]["videos_found"]) == (1000, 0)
