"""Where lmms-eval's own scoring goes wrong: its real code on the trap, and ours beside it, both values stated."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from framethrift.config.benchmarks import Benchmark, load_benchmarks
from framethrift.evaluation.cells import RunFacts, summarise
from framethrift.evaluation.lmms_scores import question_score
from framethrift.evaluation.scoring import scored

OPTIONS = ["a dog", "a cat", "a bird", "a fish", "a fox", "a hen"]


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The `utils` module of an lmms-eval task folder, by name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HOME", str(tmp_path_factory.mktemp("hub")))
        patch.setenv("HF_HUB_OFFLINE", "1")
        decord = ModuleType("decord")  # not installed, and needed by nothing that scores
        decord.VideoReader = decord.cpu = None  # type: ignore[attr-defined]
        patch.setitem(sys.modules, "decord", decord)
        import lmms_eval.tasks

        loaded: dict[str, ModuleType] = {}

        def load(folder: str) -> ModuleType:
            if folder not in loaded:
                path = Path(lmms_eval.tasks.__path__[0]) / folder / "utils.py"
                spec = importlib.util.spec_from_file_location(f"trap_{folder.replace('/', '_').replace('-', '_')}", path)
                assert spec and spec.loader
                module = importlib.util.module_from_spec(spec)
                patch.syspath_prepend(str(path.parent))
                spec.loader.exec_module(module)
                loaded[folder] = module
            return loaded[folder]

        yield load


def _ours(raw: str, gold: str, number: int = 4, benchmark: str = "nextqa") -> tuple[str | None, int]:
    question = {"options": OPTIONS[:number], "answer": OPTIONS["ABCDEF".index(gold)], "letter": gold, "answers": []}
    found = scored(load_benchmarks()[benchmark], question, raw)
    return found["parsed"], found["score"]


def _theirs(values: dict[str, Any], benchmark: str) -> float | None:
    return question_score(values, load_benchmarks()[benchmark].lmms_metrics)


@pytest.mark.parametrize(
    ("raw", "gold", "theirs", "ours"),
    [
        ("Answer: D", "D", 0, ("D", 1)),  # the A of "Answer"
        ("The correct answer is E.", "E", 1, ("E", 1)),
        ("The Correct answer is E", "E", 0, ("E", 1)),  # the C of "Correct"
        ("i do not know", "A", 1, (None, 0)),  # A by default
        ("", "A", 1, (None, 0)),
        ("D", "D", 1, ("D", 1)),
    ],
)
def test_tomato_reads_letters_inside_words_and_defaults_to_a(task, raw, gold, theirs, ours) -> None:  # type: ignore[no-untyped-def]
    doc = {"id": 1, "question": "?", "options": OPTIONS, "answer": "ABCDEF".index(gold), "reason_type": "count"}
    values = task("tomato").tomato_process_results({**doc, "demonstration_type": "human"}, [raw])
    assert _theirs(values, "tomato") == theirs
    assert _ours(raw, gold, 6, "tomato") == ours


def test_mvbench_drops_empty_answers_and_reads_articles(task) -> None:  # type: ignore[no-untyped-def]
    utils, doc = task("mvbench"), {"candidates": OPTIONS[:4], "answer": "a cat"}
    samples = [utils.mvbench_process_results(doc, [raw])["mvbench_accuracy"] for raw in ("B", "", "", "C")]
    assert utils.mvbench_aggregate_results(samples) == 50  # one of two "answered"
    assert sum(_ours(raw, "B")[1] for raw in ("B", "", "", "C")) / 4 == 0.25
    values = utils.mvbench_process_results({"candidates": OPTIONS[:4], "answer": "a dog"}, ["a dog (B)"])
    assert _theirs(values, "mvbench") == 1  # the article a
    assert _ours("a dog (B)", "A") == (None, 0)


def test_mvbench_drops_change_the_cell_and_the_cell_says_so(task) -> None:  # type: ignore[no-untyped-def]
    utils, doc = task("mvbench"), {"candidates": OPTIONS[:4], "answer": "a cat"}
    benchmark = load_benchmarks()["mvbench"]
    rows, samples = [], []
    for number, raw in enumerate(["B", "", "C", "(B) a cat"]):
        values = utils.mvbench_process_results(doc, [raw])
        samples.append(values["mvbench_accuracy"])
        facts = {"options": OPTIONS[:4], "answer": "a cat", "letter": "B", "answers": [], "cluster": f"v{number}", "part": ""}
        extra = {
            "question_id": f"q{number}",
            "type": "x",
            "visual_tokens": 1,
            "seconds": 0.0,
            "malformed_query": False,
            "costs": {},
        }
        rows.append({**facts, **extra, **scored(benchmark, facts, raw), "lmms_score": _theirs(values, "mvbench")})
    run = RunFacts(lmms={"mvbench_x": utils.mvbench_aggregate_results(samples) / 100})
    figures = summarise(rows, benchmark, run, 100)
    assert figures["lmms_accuracy"] == pytest.approx(2 / 3) and figures["accuracy"] == 0.5
    assert (figures["agrees"], figures["differing"], figures["unparsable"]) == (False, 0, 1)


@pytest.mark.parametrize(("raw", "gold"), [("E", "E"), ("F", "F"), ("(E) a fox", "E")])
def test_mlvu_test_has_six_options_and_its_parser_four(task, raw, gold) -> None:  # type: ignore[no-untyped-def]
    doc = {"question": "?", "task_type": "sportsQA", "answer": gold}
    assert _theirs(task("mlvu").mlvu_process_results(doc, [raw]), "mlvu") == 0
    assert _ours(raw, gold, 6, "mlvu") == (gold, 1)


def test_mlvu_is_a_mean_over_task_types_in_both(task) -> None:  # type: ignore[no-untyped-def]
    utils, kinds = task("mlvu"), ["anomaly_reco", "count", "ego", "needle", "order", "plotQA", "topic_reasoning"]
    samples, rows = [], []
    for number in range(14 + 30):
        kind, raw = kinds[number % 7] if number < 14 else "plotQA", "B" if number % 3 else "A"
        doc = {"question": "?", "task_type": kind, "answer": "A"}
        samples.append(utils.mlvu_process_results(doc, [raw])["mlvu_percetion_score"])
        facts = {"cluster": f"v{number}", "type": kind, "part": "", "options": OPTIONS[:4], "lmms_score": None}
        timing = {"visual_tokens": 1, "seconds": 0.0, "malformed_query": False, "question_id": f"q{number}", "costs": {}}
        rows.append({**facts, **timing, "parsed": raw, "score": int(raw == "A"), "metrics": {}})
    figures = summarise(rows, load_benchmarks()["mlvu"], RunFacts(), 100)
    assert figures["accuracy"] == pytest.approx(utils.mlvu_aggregate_results_dev(samples) / 100)
    assert figures["correct"] / 44 == pytest.approx(15 / 44) and abs(figures["accuracy"] - 15 / 44) > 0.005


@pytest.mark.parametrize(
    ("raw", "gold", "theirs", "ours"),
    [
        ("b.", "B", 0, ("B", 1)),  # small letters are not seen
        ("a", "A", 0, ("A", 1)),
        ("a cat", "B", 0, ("B", 1)),  # the option's text is not compared
        ("A man is walking, so D", "A", 1, (None, 0)),  # the article A
        ("I think A is wrong and C is right", "C", 1, (None, 0)),  # commits to C for us only when it says so
        ("Dogs bark", "D", 1, (None, 0)),  # the D of "Dogs"
        ("The answer is C", "C", 1, ("C", 1)),
        ("The answer is (B).", "B", 1, ("B", 1)),
    ],
)
def test_the_shared_extractor_guesses_from_prose(task, raw, gold, theirs, ours) -> None:  # type: ignore[no-untyped-def]
    """extract_mcq_answer: Video-MME, LVBench, MLVU and Video-MMMU."""
    assert _theirs(task("lvbench").lvbench_process_results({"answer": gold}, [raw]), "lvbench") == theirs
    facts = {"domain": "Knowledge", "sub_category": "Astronomy", "task_type": "Counting Problem", "duration": "short"}
    doc = {**facts, "answer": gold, "question_id": "1", "videoID": "v"}
    assert _theirs(task("videomme").videomme_process_results(doc, [raw]), "videomme") == theirs
    assert _ours(raw, gold) == ours


def test_videomme_long_asks_with_the_subtitle_prompt_and_the_plain_one_mentions_them_too(task) -> None:  # type: ignore[no-untyped-def]
    from lmms_eval.tasks import TaskManager

    manager = TaskManager("ERROR")
    used = {}
    for name in ("videomme", "videomme_long", "videomme_w_subtitle", "videomme_long_w_subtitle"):
        used[name] = manager._get_config(name)["doc_to_text"].__name__
    assert used["videomme"] == "videomme_doc_to_text"
    assert used["videomme_long"] == used["videomme_long_w_subtitle"] == used["videomme_w_subtitle"]
    utils = task("videomme")
    doc = {"videoID": "v", "question": "What?", "options": ["A. x", "B. y", "C. z", "D. w"]}
    plain = utils.videomme_doc_to_text(doc, {"post_prompt": "\nAnswer"})
    long = utils.videomme_doc_to_text_subtitle(doc, {"frame_num": 32})
    assert "and the subtitles" in plain and "subtitles are listed below" not in plain
    assert "subtitles are listed below: \nNo subtitles available" in long and long.endswith("The best answer is:")
    # Ours: the registry says so wherever the figure is printed.
    assert "uses the subtitle prompt" in load_benchmarks()["videomme_long"].source
    assert 'still says "and the subtitles"' in load_benchmarks()["videomme"].source


def _share(score: Any, times: int = 300) -> float:
    return sum(score() for _ in range(times)) / times


def test_nextqa_and_longvideobench_draw_a_random_option(task) -> None:  # type: ignore[no-untyped-def]
    nextqa, doc = task("nextqa"), {"answer": 2, **{f"a{number}": OPTIONS[number] for number in range(5)}}
    guessed = _share(lambda: _theirs(nextqa.nextqa_mc_process_results(doc, ["no idea"]), "nextqa"))
    assert 0.1 < guessed < 0.3
    long = task("longvideobench")
    facts = {"id": "1", "duration_group": 60, "question_category": "S2E", "correct_choice": 2}
    video = {**facts, **{f"option{number}": OPTIONS[number] for number in range(4)}, "option4": "N/A"}
    guessed = _share(lambda: _theirs(long.longvideobench_process_results(video, ["no idea"]), "longvideobench"))
    assert 0.15 < guessed < 0.36
    assert _theirs(long.longvideobench_process_results(video, ["It is a Cat"]), "longvideobench") == 1  # the C of "Cat"
    assert _ours("no idea", "C", 5) == _ours("It is a Cat", "C") == (None, 0)


@pytest.mark.parametrize(
    ("raw", "gold", "theirs", "ours"),
    [("A man is walking, so C", "C", 0, (None, 0)), ("A man is walking, so C", "A", 1, (None, 0)), ("c", "C", 0, ("C", 1))],
)
def test_perceptiontest_takes_the_first_letter_word(task, raw, gold, theirs, ours) -> None:  # type: ignore[no-untyped-def]
    doc = {"video_name": "v", "question": "?", "answer_id": str("ABC".index(gold))}
    values = task("perceptiontest/val").perceptiontest_val_process_results_mc(doc, [raw])
    assert _theirs(values, "perceptiontest") == theirs
    assert _ours(raw, gold, 3) == ours


def test_tempcompass_asks_a_judge_where_its_rules_fail(task, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    utils, called = task("tempcompass"), []

    def unreachable(*_: Any, **__: Any) -> None:
        called.append(1)
        raise utils.requests.ConnectionError("offline")

    monkeypatch.setattr(utils.requests, "post", unreachable)
    monkeypatch.setattr(utils.time, "sleep", lambda seconds: None)
    doc = {"video_id": "v", "question": "?", "answer": "B. a cat", "dim": "action"}
    for raw in ("Answer: B", "(B) a cat", "b"):
        assert _theirs(utils.tempcompass_process_results_multi_choice(doc, [raw]), "tempcompass") == 0
        assert _ours(raw, "B", benchmark="tempcompass") == ("B", 1)
    assert len(called) >= 3
    assert _theirs(utils.tempcompass_process_results_multi_choice(doc, ["B. a dog"]), "tempcompass") == 1
    assert _ours("B. a dog", "B", benchmark="tempcompass") == (None, 0)  # letter and text contradict each other


def test_video_tt_takes_the_first_capital(task) -> None:  # type: ignore[no-untyped-def]
    doc = {"video_id": "v", "capability": "x", "answer": "B"}
    assert _theirs(task("video-tt").videott_process_results(doc, ["Because of the tail: D"]), "video_tt") == 1
    assert _ours("Because of the tail: D", "B") == (None, 0)


def test_video_mmmu_drops_empty_open_answers(task) -> None:  # type: ignore[no-untyped-def]
    utils, ours = task("videommmu"), []
    samples = []
    for raw in ("12", ""):
        doc = {"id": "validation_Math_1", "question_type": "open", "answer": "12", "options": []}
        samples.append(utils.videommmu_process_results(doc, [raw])["mmmu_acc"])
        facts = {"options": [], "answer": "12", "letter": "", "answers": []}
        ours.append(scored(load_benchmarks()["video_mmmu"], facts, raw)["score"])
    assert utils.videommmu_aggregate_results(samples) == 1.0
    assert ours == [1, 0]
    letters = [f"option {number}" for number in range(10)]
    doc = {"id": "validation_Math_2", "question_type": "multiple-choice", "answer": "J", "options": letters}
    assert _theirs(utils.videommmu_process_results(doc, ["J"]), "video_mmmu") == 1
    facts = {"options": letters, "answer": "option 9", "letter": "J", "answers": []}
    assert scored(load_benchmarks()["video_mmmu"], facts, "J")["score"] == 1


def test_ovobench_takes_a_letter_anywhere_and_joins_digits(task) -> None:  # type: ignore[no-untyped-def]
    utils = task("ovobench")
    metrics = {"back_real_acc": 100.0, "forward_acc": 100.0}
    doc = {"id": 1, "task": "EPM", "question": "?", "gt": 0}
    values = utils.ovo_back_real_process_results(doc, ["Dogs And cats: B"])
    graded, _ = utils.calculate_score_backward_realtime([values["back_real_acc"]])
    assert graded[0]["score"] == question_score(values, metrics) == 1  # the A of "And"
    assert _ours("Dogs And cats: B", "A") == (None, 0)
    counting = {"task": "REC", "test_info": [{"realtime": 1, "count": 12}]}
    forward = utils.ovo_forward_process_results(counting, ["1 or 2"])
    _, scores = utils.calculate_score_forward([forward["forward_acc"]])
    assert scores == {"REC": [True]} and question_score(forward, metrics) is None
    facts = {"options": [], "answer": "12", "letter": "", "answers": []}
    assert scored(load_benchmarks()["nextqa"], facts, "1 or 2") == {"parsed": None, "score": 0, "metrics": {}}
    seen = {"task": "SSR", "test_info": [{"realtime": 1, "type": 0}]}
    forward = utils.ovo_forward_process_results(seen, ["Not sure, No clue"])
    assert utils.calculate_score_forward([forward["forward_acc"]])[1] == {"SSR": [1]}
    facts = {"options": ["Yes", "No"], "answer": "No", "letter": "", "answers": []}
    assert scored(load_benchmarks()["nextqa"], facts, "Not sure, No clue")["score"] == 0


def test_activitynetqa_makes_numbers_up_or_crashes(task, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """An error on the way gives "no" and 0; an empty reply, or one that cannot be read, stops the task. Ours: not judged."""
    utils = task("activitynetqa")
    doc = {"question": "is it", "answer": "yes", "video_name": "v", "question_id": "1", "type": "0"}

    def broken(*_: Any, **__: Any) -> None:
        raise NameError("headers")

    monkeypatch.setattr(utils, "get_eval", broken)
    values = utils.activitynetqa_process_results(doc, ["yes"])
    assert values["gpt_eval_accuracy"]["Correctness"] == "no" and values["gpt_eval_score"]["score"] == 0
    for reply in ("", "cannot say"):
        monkeypatch.setattr(utils, "get_eval", lambda *_, reply=reply, **__: (reply, "judge"))
        with pytest.raises(TypeError):
            utils.activitynetqa_process_results(doc, ["yes"])
    benchmark: Benchmark = load_benchmarks()["activitynetqa"]
    facts = {"options": [], "answer": "yes", "letter": "", "answers": []}
    assert scored(benchmark, facts, "yes") == {"parsed": "yes", "score": None, "metrics": {}}
