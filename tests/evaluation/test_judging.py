"""Judges over real HTTP: slow, rude, down and malformed by turns; nothing made up, nothing lost, nothing secret told."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from judge_server import SECRET, Server, good, hangs_up, no_json, says, serving, slow, status

from framethrift.config import Layout
from framethrift.config.judge import KEY, MODEL, URL, Endpoint, JudgeSettingsError
from framethrift.evaluation.cells import write_rows
from framethrift.evaluation.judging.endpoint import JudgeDown
from framethrift.evaluation.judging.judge import ASKS, Pace, judge_cells
from framethrift.evaluation.judging.protocols import PROTOCOLS, Verdict
from framethrift.evaluation.judging.verdicts import StaleVerdicts, with_verdicts
from framethrift.evaluation.rescoring import NotEvaluated

QUICK = Pace(per_minute=60_000, workers=3, timeout=0.5, retries=4)


class OneCell:
    """A study as the judge sees it: one cell with one judged benchmark and one that needs no judge."""

    @staticmethod
    def evaluations() -> dict[tuple[str, str], list[str]]:
        return {("v", "s"): ["nextqa", "activitynetqa"]}


def _row(number: int, raw: str, answer: str = "yes") -> dict[str, Any]:
    return {
        **{
            "question_id": f"q{number:02d}",
            "video_id": f"v{number // 2}",
            "cluster": "",
            "benchmark": "activitynetqa",
            "type": "",
            "part": "",
        },
        **{"question": f"is it {number}", "options": [], "answer": answer, "letter": "", "answers": [], "raw": raw},
        **{"parsed": raw.strip() or None, "score": None if raw.strip() else 0, "metrics": {}, "lmms_score": None},
    }


ROWS = [_row(number, raw) for number, raw in enumerate(["yes", "no", "yes", "", "maybe", "yes", "no", "yes"])]
RIGHT = {"q00": 1, "q01": 0, "q02": 1, "q04": 0, "q05": 1, "q06": 0, "q07": 1}


@pytest.fixture
def layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Layout:
    """The cell's answers; the environment names no judge."""
    for name in (URL, MODEL, KEY):
        monkeypatch.delenv(name, raising=False)
    layout = Layout(tmp_path / "results" / "one")
    write_rows(layout.cell("v", "s", 0) / "activitynetqa.jsonl", ROWS)
    return layout


def _use(monkeypatch: pytest.MonkeyPatch, server: Server, model: str = "judge-1") -> None:
    for name, value in ((URL, server.url), (MODEL, model), (KEY, SECRET)):
        monkeypatch.setenv(name, value)


def _judge(layout: Layout, pace: Pace = QUICK, **options: bool) -> dict[str, Any]:
    judge_cells(OneCell(), layout, "v", "s", 0, pace, **options)  # type: ignore[arg-type]
    return json.loads(layout.judged("v", "s", 0).read_text()) if not options.get("estimate_only") else {}


def _rights(content: dict[str, Any]) -> dict[str, int | None]:
    entries = content["benchmarks"]["activitynetqa"].items()
    return {question: entry["verdict"] and entry["verdict"]["right"] for question, entry in entries}


def test_judging_needs_no_torch() -> None:
    program = (
        "import sys, framethrift.evaluation.judging.judge, framethrift.evaluation.rescoring; sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_without_a_judge_nothing_is_judged(layout: Layout, capfd: pytest.CaptureFixture) -> None:
    assert _judge(layout) == {"judge": None, "benchmarks": {"activitynetqa": None}}
    assert "stay not judged" in capfd.readouterr().err


def test_slow_rude_and_malformed_by_turns_gives_the_true_verdicts(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    rude = [status(429), status(500), slow(1.5), hangs_up, says("Well, it depends.")]
    turns = [*rude, good, no_json, status(503), says(None)]
    with serving(turns) as server:
        _use(monkeypatch, server)
        content = _judge(layout, Pace(per_minute=60_000, workers=1, timeout=0.5, retries=4))
        assert _rights(content) == RIGHT
        assert content["judge"] == {"model": "judge-1", "host": "127.0.0.1"}
        assert all(authorization == f"Bearer {SECRET}" for _, _, authorization in server.requests)
        assert len(server.requests) == len(RIGHT) + len(turns) - 1
        bodies = [body for _, body, _ in server.requests]
        assert all(body["temperature"] == 0 and body["max_tokens"] == 64 for body in bodies)
        _judge(layout)
        assert len(server.requests) == len(RIGHT) + len(turns) - 1  # all from the cache


def test_a_judge_that_goes_down_loses_nothing(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as undisturbed:
        _use(monkeypatch, undisturbed)
        expected = _judge(layout)
    layout.judged("v", "s", 0).unlink()
    layout.judge_cache.unlink()
    one_by_one = Pace(per_minute=60_000, workers=1, timeout=0.5, retries=1)
    with serving([good, good, good], then=status(500)) as failing:
        _use(monkeypatch, failing)
        with pytest.raises(JudgeDown, match="HTTP 500 after all retries; 3 of 7 answers judged and kept: run again to go on"):
            _judge(layout, one_by_one)
    with pytest.raises(JudgeDown, match="APIConnectionError after all retries; 0 of 4 answers"):  # nobody listens any more
        _judge(layout, one_by_one)
    assert not layout.judged("v", "s", 0).exists()
    with serving() as server:
        _use(monkeypatch, server)
        assert _judge(layout) == expected
        assert len(server.requests) == 4


def test_a_reply_that_stays_malformed_is_a_failure_and_no_number(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    def stubborn(handler: Any, body: dict[str, Any]) -> None:
        hopeless = any("is it 2" in message["content"] for message in body["messages"])
        handler.say('{"pred": "yes", "score": 9}') if hopeless else good(handler, body)

    with serving(then=stubborn) as server:
        _use(monkeypatch, server)
        content = _judge(layout)
        assert _rights(content) == RIGHT | {"q02": None}
        assert len(server.requests) == len(RIGHT) - 1 + ASKS
        _judge(layout)
        assert len(server.requests) == len(RIGHT) - 1 + ASKS
        server.then = good
        assert _rights(_judge(layout, again=True)) == RIGHT
    judged, failed = with_verdicts(ROWS, "activitynet_qa", "judge-1", content["benchmarks"]["activitynetqa"])
    assert failed == 1
    expected = {name: right for name, right in RIGHT.items() if name != "q02"} | {"q03": 0}
    assert {row["question_id"]: row["score"] for row in judged} == expected
    assert {row["metrics"]["rating (0-5)"] for row in judged} == {0.0, 1.0, 5.0}
    said = content["benchmarks"]["activitynetqa"]
    for rows, model in (([_row(11, "unheard of")], "judge-1"), ([_row(0, "no")], "judge-1"), (ROWS, "judge-2")):
        with pytest.raises(StaleVerdicts, match="judge the cell again"):
            with_verdicts(rows, "activitynet_qa", model, said)


def test_nothing_secret_is_told(layout: Layout, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture) -> None:
    with serving(then=status(401)) as server:
        _use(monkeypatch, server)
        monkeypatch.setenv(URL, server.url.replace("http://", f"http://user:{SECRET}@"))
        with pytest.raises(JudgeDown, match="HTTP 401") as raised:
            _judge(layout, QUICK)
        server.then = good
        _judge(layout)
    told = capfd.readouterr()
    chain = [str(raised.value), repr(raised.value), str(raised.value.__cause__), repr(Endpoint.from_environment())]
    assert not any(SECRET in text for text in [*chain, told.out, told.err])
    files = [path for path in layout.root.rglob("*") if path.is_file()]
    assert len(files) == 3
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


def test_the_estimate_comes_before_the_first_call(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture
) -> None:
    with serving() as server:
        _use(monkeypatch, server)
        _judge(layout, Pace(price_in=2.5, price_out=10.0), estimate_only=True)
        assert server.requests == [] and not layout.judged("v", "s", 0).exists()
        said = capfd.readouterr().err
        assert "7 answers, 7 to ask" in said and "tokens in and 210 out; about $0.00" in said
        _judge(layout)
        assert capfd.readouterr().err.index("7 to ask") >= 0
        write_rows(
            layout.cell("v", "s", 0) / "activitynetqa.jsonl", [*ROWS, _row(20, "yes"), _row(20, "yes") | {"question_id": "z"}]
        )
        assert len(_rights(_judge(layout))) == 9
        assert "9 answers, 1 to ask" in capfd.readouterr().err  # the same question and answer twice is asked once
        _use(monkeypatch, server, "judge-2")
        before = len(server.requests)
        _judge(layout)
        assert len(server.requests) == before + 8


def test_questions_are_paced(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as server:
        _use(monkeypatch, server)
        _judge(layout, Pace(per_minute=1200, workers=7))
        times = [moment for moment, _, _ in server.requests]
    assert len(times) == 7 and times[-1] - times[0] >= 6 * 0.05 * 0.9


def test_a_killed_run_goes_on_where_it_stopped(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [_row(number, "yes" if number % 3 else "no") for number in range(40)]
    write_rows(layout.cell("v", "s", 0) / "activitynetqa.jsonl", rows)
    program = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[1]); import test_judging as t; "
        "t._judge(t.Layout(Path(sys.argv[2])), t.Pace(per_minute=60_000, workers=2))"
    )
    command = [sys.executable, "-c", program, str(Path(__file__).parent), str(layout.root)]
    with serving(then=slow(0.05)) as server:
        _use(monkeypatch, server)
        for wanted in (6, 20):
            process = subprocess.Popen(command, env=dict(os.environ), stderr=subprocess.DEVNULL)
            while len(server.requests) < wanted and process.poll() is None:
                time.sleep(0.01)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert not layout.judged("v", "s", 0).exists()
        content = _judge(layout)
        assert _rights(content) == {f"q{number:02d}": int(number % 3 > 0) for number in range(40)}
        assert len(server.requests) <= 40 + 2 * 2  # at most what was under way is asked twice


def test_a_judge_is_named_whole_or_not_at_all(layout: Layout, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(MODEL, "m")
    with pytest.raises(JudgeSettingsError, match=f"{URL}, {KEY} not set"):
        _judge(layout)
    monkeypatch.setenv(KEY, SECRET)
    monkeypatch.setenv(URL, "ftp://somewhere")
    with pytest.raises(JudgeSettingsError, match="expected an address"):
        _judge(layout)
    monkeypatch.setenv(URL, "http://127.0.0.1:9/v1")
    (layout.cell("v", "s", 0) / "activitynetqa.jsonl").unlink()
    with pytest.raises(NotEvaluated, match="evaluate the cell first"):
        _judge(layout)


@pytest.mark.parametrize(
    ("protocol", "reply", "verdict"),
    [
        ("activitynet_qa", '{"pred": "yes", "score": 4}', (1, 4)),
        ("activitynet_qa", "{'pred': 'No', 'score': 1}", (0, 1)),
        ("activitynet_qa", 'Here:\n```json\n{"pred": "yes", "score": 5}\n```', (1, 5)),
        ("activitynet_qa", '{"pred": "perhaps", "score": 4}', None),
        ("activitynet_qa", '{"pred": "yes"}', None),
        ("activitynet_qa", '{"pred": "yes", "score": 6}', None),
        ("activitynet_qa", '{"pred": "yes", "score": NaN}', None),
        ("activitynet_qa", '{"pred": "yes", "score": true}', None),
        ("activitynet_qa", '{"pred": "yes", "score": "4"}', None),
        ("activitynet_qa", '{"pred": "yes", "score": 4} {"pred": "no", "score": 0}', None),
        ("activitynet_qa", "yes", None),
        ("activitynet_qa", "", None),
        ("cvrr_es", "{'pred': 'correct', 'score': 3, 'reason': 'it says \"so\"'}", (1, 3)),
        ("cvrr_es", '{"pred": "yes", "score": 3}', None),
        ("cvrr_es", "{'pred': 'incorrect', 'score': 3, 'reason': no quotes}", None),
        ("video_tt", '{"score": 3}', (1, 3)),
        ("video_tt", '{"score": 2.5}', (0, 2.5)),
    ],
)
def test_a_reply_is_read_strictly(protocol: str, reply: str, verdict: tuple[int, float] | None) -> None:
    assert PROTOCOLS[protocol].read(reply) == (Verdict(*verdict) if verdict else None)
