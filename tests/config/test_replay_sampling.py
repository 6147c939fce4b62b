"""A sampling that replays an index file: what a study accepts, and which jobs read the file."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from framethrift.config import Study, StudyError, Workflow
from framethrift.config.digest import rule_digest
from framethrift.config.sampling import Replay, Select
from framethrift.reporting.labels import sampling_label

MINI = Path(__file__).parents[2] / "config/studies/mini.yaml"
THEIRS = {"kind": "replay", "frames": 4, "indices": "indices/theirs.jsonl"}


@pytest.fixture
def settings() -> dict[str, Any]:
    """The mini study with a replay among its samplings and one cell of it."""
    content = yaml.safe_load(MINI.read_text(encoding="utf-8"))
    content["samplings"]["theirs"] = dict(THEIRS)
    content["cells"].append({"variants": ["mllm"], "samplings": ["theirs"], "benchmarks": ["mini_needle"]})
    return content


def _flow(folder: Path, content: dict[str, Any]) -> Workflow:
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(content), encoding="utf-8")
    return Workflow(str(file), [])


def test_a_replay_is_a_selection_with_a_file(settings: dict[str, Any]) -> None:
    shown = Study.model_validate(settings).samplings["theirs"]
    assert isinstance(shown, Replay) and isinstance(shown, Select)
    assert (shown.selector, shown.queries, shown.frames) == ("replay", "none", 4)
    assert Replay(frames=4, indices="x.jsonl", rest="delta").rest == "delta"


def test_what_a_selection_says_of_itself_did_not_change() -> None:
    assert Select().model_dump() == {
        **{"kind": "select", "selector": "uniform", "frames": 32, "candidate_fps": 1.0},
        **{"queries": "none", "reducer": None, "order": "time", "rest": "drop"},
    }


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"kind": "select", "selector": "replay", "frames": 4}, "use kind: replay with indices"),
        ({"kind": "replay", "frames": 4}, "indices"),
        ({**THEIRS, "indices": ""}, "indices"),
        ({**THEIRS, "queries": "question"}, "queries"),
        ({**THEIRS, "selector": "top_k"}, "selector"),
        ({**THEIRS, "rest": "delta", "order": "shuffled"}, "temporal order"),
    ],
)
def test_what_cannot_be_is_refused(settings: dict[str, Any], given: dict[str, Any], said: str) -> None:
    settings["samplings"]["theirs"] = given
    with pytest.raises(ValueError, match=said):
        Study.model_validate(settings)


def test_nothing_is_trained_or_timed_with_it(settings: dict[str, Any]) -> None:
    timed = {**settings, "latency": [{"variant": "mllm", "samplings": ["theirs"]}]}
    with pytest.raises(ValueError, match=r"latency\[0\].samplings: 'theirs' replays a file"):
        Study.model_validate(timed)
    settings["variants"]["mllm"]["samplings"] = ["theirs"]
    with pytest.raises(ValueError, match=r"variants.mllm.samplings: 'theirs' replays a file"):
        Study.model_validate(settings)


def test_the_file_is_an_input_of_its_cell_and_of_no_other(settings: dict[str, Any], tmp_path: Path) -> None:
    flow = _flow(tmp_path, settings)
    assert flow.answering("mllm", "theirs", 0) == [flow.model("mllm", 0), "indices/theirs.jsonl"]
    assert "indices/theirs.jsonl" in flow.evaluating("mllm", "theirs")
    others = [pair for pair in flow.study.evaluations() if pair[1] != "theirs"]
    assert not any("indices/theirs.jsonl" in flow.evaluating(*pair) for pair in others)
    settings["samplings"]["theirs"]["indices"] = "indices/others.jsonl"
    names = ("evaluate", "mllm", "theirs")
    assert rule_digest(flow.study, *names) != rule_digest(Study.model_validate(settings), *names)


def test_a_file_among_the_results_is_refused(settings: dict[str, Any], tmp_path: Path) -> None:
    settings["samplings"]["theirs"]["indices"] = f"./results/{settings['name']}/indices/theirs.jsonl"
    with pytest.raises(StudyError, match=r"samplings.theirs.indices: .* keep it outside"):
        _flow(tmp_path, settings)


def test_its_label_names_the_file(settings: dict[str, Any]) -> None:
    study = Study.model_validate(settings)
    label = sampling_label(study.samplings["theirs"], study.recipe_of("mllm"))
    assert label == "replay of theirs.jsonl, 4 frames"
