"""The project's own lmms-eval task files: prompts, scores, and what happens without Java."""

import sys
from pathlib import Path

import pytest
import yaml

from framethrift.evaluation import tasks
from framethrift.evaluation.tasks.media import doc_to_visual
from framethrift.evaluation.tasks.scans import scoring as scans
from framethrift.evaluation.tasks.streamingbench import scoring as streaming

sys.path.insert(0, str(Path(__file__).parent))

from look_alikes import make

from framethrift.config.sources import load_sources
from framethrift.published.lookup import Lookup

DOC = {
    "question_id": "q",
    "video_id": "v",
    "video": "scannet/v.mp4",
    "type": "what",
    "question": "What is it?",
    "answers": ["a red chair"],
}


def _files() -> dict[str, dict]:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: node.value)
    found = {}
    for path in Path(tasks.__path__[0]).rglob("*.yaml"):
        if path.parent.name != "mini":
            content = yaml.load(path.read_text(encoding="utf-8"), Loader)
            found[content["task"]] = content
    return found


def test_every_own_task_of_the_look_alikes_has_a_file(tmp_path: Path) -> None:
    named = set()
    for source in ("scanqa", "sqa3d", "streamingbench"):
        make(tmp_path, source)
        named |= {entry.task for entry in Lookup(load_sources()[source], tmp_path).annotations().entries(source)}
    assert named == set(_files())
    for content in _files().values():
        for metric in content["metric_list"]:
            module, _, name = metric["aggregation"].rpartition(".")
            assert callable(getattr(sys.modules[module], name))


def test_scan_answers_are_matched_exactly_and_refined() -> None:
    def scores(answer: str) -> tuple[float, float]:
        found = scans.process_results(DOC, [answer])
        return found["exact_match"]["score"], found["refined_exact_match"]["score"]

    assert (scores("Red chair."), scores("a red chair by the door"), scores("table"), scores("")) == (
        *((1.0, 1.0), (0.0, 1.0), (0.0, 0.0), (0.0, 0.0)),
    )
    assert scans.mean_score([{"score": 1.0}, {"score": 0.0}]) == 0.5
    assert scans.scanqa_doc_to_text(DOC) == "What is it? Answer the question simply."
    assert scans.sqa3d_doc_to_text({**DOC, "situation": "I sit."}).startswith("I sit. What is it? Answer")


def test_only_meteor_needs_java(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def metrics(predictions: dict, answers: dict) -> dict[str, float]:
        calls.append((predictions, answers))
        return {"BLEU-4": 0.1, "METEOR": 0.2, "ROUGE-L": 0.3, "CIDEr": 0.4}

    results = [scans.process_results({**DOC, "question_id": name}, ["red chair"])["cider"] for name in "ab"]
    monkeypatch.setattr(scans, "caption_metrics", metrics)
    scans._caption_metrics.cache_clear()
    assert [score(results) for score in (scans.bleu_4, scans.meteor, scans.rouge_l, scans.cider)] == [0.1, 0.2, 0.3, 0.4]
    assert calls == [({"a": "red chair", "b": "red chair"}, {"a": ["a red chair"], "b": ["a red chair"]})]

    monkeypatch.setattr(scans, "caption_metrics", lambda predictions, answers: {**metrics(predictions, answers), "METEOR": None})
    scans._caption_metrics.cache_clear()
    assert (scans.meteor(results), scans.cider(results)) == (None, 0.4)
    scans._caption_metrics.cache_clear()


def test_streaming_choices_go_by_the_first_character() -> None:
    doc = {"question_id": "q", "video_id": "v", "task_type": "t", "question": "Which?", "options": ["x", "y"], "answer": "B"}
    assert streaming.choice_doc_to_text(doc).endswith("Question: Which?\nOptions:\nA. x\nB. y\n\nThe best option is:")
    scores = [
        streaming.choice_process_results(doc, [raw])["streamingbench_score"]["score"] for raw in ("B", " B. y", "The B", "b", "")
    ]
    assert scores == [1.0, 1.0, 0.0, 0.0, 0.0]


def test_proactive_answers_count_within_two_seconds_of_the_right_moment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    doc = {
        "question_id": "q",
        "video_id": "v",
        "video": "s/v.mp4",
        "task_type": "t",
        "question": "When red, say red.",
        "output": "red",
    }
    doc |= {"times": [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0], "right": 5.0}

    def score(first_yes: int | None) -> float:
        answers = ["No"] * 8 if first_yes is None else ["no"] * first_yes + ["Yes."] * (8 - first_yes)
        return streaming.poll_process_results(doc, [answers])["streamingbench_score"]["score"]

    assert [score(at) for at in (0, 1, 3, 5, 6, None)] == [0.0, 1.0, 1.0, 1.0, 0.0, 0.0]
    with pytest.raises(FileNotFoundError, match="the video of question q is not there"):
        doc_to_visual(doc)
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / "v.mp4").write_bytes(b"")
    visuals, text, finished, _, _ = streaming.poll_doc_to_text(doc, round_idx=7, previous_output=[])
    assert (visuals, finished) == ([str(tmp_path / "s" / "v.mp4")], False)
    assert text == streaming.poll_doc_to_text(doc)
    assert streaming.poll_doc_to_text(doc, round_idx=8, previous_output=["no"])[2] is True
