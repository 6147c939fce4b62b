"""Verdicts follow from the results by the stated rules."""

from collections.abc import Callable
from pathlib import Path

import pytest

from framethrift.config import Layout
from framethrift.config.ledgers import Ledger, load_ledgers
from framethrift.reporting.latency_file import Latencies
from framethrift.reporting.ledger import Evidence, Verdict, count, decide
from framethrift.reporting.results import Results
from framethrift.reporting.retrieval_file import Retrievals
from tests.reporting.conftest import Finished
from tests.reporting.fake_results import tiny

Judge = Callable[..., Verdict]
COPE, RGB = ({"variant": v, "sampling": s, "benchmark": "mini_motion"} for v, s in (("cope", "cope_1k"), ("rgb", "rgb_1k")))


@pytest.fixture
def judge(finished: Finished) -> Judge:
    """Decides one claim given by its fields."""
    evidence = Evidence(finished.sources.results, finished.sources.latencies, finished.sources.retrievals)

    def decided(**fields: object) -> Verdict:
        claim = {"id": "c", "location": "L", "statement": "S", "kind": "comparison", "scale": "miniature"} | fields
        ledger = Ledger.model_validate({"paper": "P", "title": "T", "reference": "R", "claims": [claim]})
        return decide([ledger], evidence)[0]

    return decided


def test_greater_and_less(judge: Judge) -> None:
    found = judge(test={"kind": "greater"}, needs=[COPE, RGB])
    assert found.status == "reproduced"
    assert found.low is not None and found.value is not None and 0 < found.low < found.value
    assert found.p_value is not None and found.p_value < 0.05
    assert len(found.files) == 2
    assert judge(test={"kind": "less"}, needs=[COPE, RGB]).status == "contradicted"
    assert judge(test={"kind": "greater"}, needs=[RGB, COPE]).status == "contradicted"


def test_an_interval_that_includes_the_margin_is_inconclusive(judge: Judge) -> None:
    assert judge(test={"kind": "greater"}, needs=[RGB, RGB]).status == "inconclusive"
    found = judge(test={"kind": "greater"}, needs=[COPE, RGB])
    assert found.value is not None
    assert judge(test={"kind": "greater", "margin": found.value}, needs=[COPE, RGB]).status == "inconclusive"
    assert judge(test={"kind": "greater", "margin": -5}, needs=[RGB, RGB]).status == "reproduced"


def test_a_claim_may_look_at_one_type_of_question(judge: Judge) -> None:
    joint, uniform = (
        {"variant": variant, "sampling": sampling, "benchmark": "mini_needle"}
        for variant, sampling in (("msjoe", "msjoe_4"), ("mllm", "uniform_4"))
    )
    whole = judge(test={"kind": "greater"}, needs=[joint, uniform])
    part = judge(test={"kind": "greater"}, needs=[joint | {"type": "order"}, uniform | {"type": "order"}])
    assert part.value is not None and part.value != whole.value
    assert int(part.reason.split()[-2]) < int(whole.reason.split()[-2])
    unknown = judge(test={"kind": "greater"}, needs=[joint | {"type": "riddle"}, uniform])
    assert unknown.status == "not run" and "no question of this type" in unknown.reason


def test_within_chance_and_within_the_papers_value(judge: Judge) -> None:
    blind = {"variant": "cope", "sampling": "blind", "benchmark": "mini_static"}
    assert judge(test={"kind": "within", "of": "chance", "tolerance": 5}, needs=[blind]).status == "reproduced"
    assert judge(test={"kind": "within", "of": "chance", "tolerance": 0.5}, needs=[blind]).status == "inconclusive"
    assert judge(test={"kind": "within", "of": "chance", "tolerance": 5}, needs=[COPE]).status == "contradicted"
    near = {"kind": "accuracy", "test": {"kind": "within", "of": "paper", "tolerance": 20}, "needs": [COPE]}
    assert judge(**near, value=85.0).status == "reproduced"
    assert judge(**near, value=20.0).status == "contradicted"


def test_ratios_of_latency_figures(judge: Judge) -> None:
    timed = {"kind": "latency", "needs": [{"variant": "cope", "sampling": name} for name in ("cope_1k", "rgb_4k")]}
    tokens = judge(**timed, test={"kind": "ratio_below", "quantity": "visual_tokens", "limit": 1})
    assert (tokens.status, tokens.value, tokens.low, tokens.high) == ("reproduced", 144 / 336, 144 / 336, 144 / 336)
    ttft = judge(**timed, test={"kind": "ratio_below", "quantity": "ttft_s", "limit": 0.46})
    assert ttft.status == "inconclusive"
    assert judge(**timed, test={"kind": "ratio_above", "quantity": "ttft_s", "limit": 1}).status == "contradicted"


def test_retrieval_by_its_paired_difference(judge: Judge) -> None:
    need = [{"variant": "cope"}]
    assert judge(test={"kind": "retrieval_greater", "measure": "recall@5"}, needs=need).status == "reproduced"
    assert judge(test={"kind": "retrieval_greater", "measure": "recall@1"}, needs=need).status == "inconclusive"
    missing = judge(test={"kind": "retrieval_greater", "measure": "recall@9"}, needs=need)
    assert (missing.status, "recall@9" in missing.reason) == ("not run", True)


def test_what_is_not_there_is_not_run_and_says_what_it_needs(judge: Judge) -> None:
    absent = judge(test={"kind": "greater"}, needs=[COPE, {"variant": "cope", "sampling": "cope_9k", "benchmark": "mini_motion"}])
    assert absent.text == "not run (needs cope / cope_9k / mini_motion, not part of study tiny)"
    full = judge(test={"kind": "retrieval_greater", "measure": "recall@5"}, needs=[{"variant": "cope"}], scale="paper")
    assert full.text == "not run (needs a full-scale study: cope)"
    untimed = {"kind": "latency", "test": {"kind": "ratio_below", "quantity": "ttft_s", "limit": 1}}
    found = judge(**untimed, needs=[{"variant": "rgb", "sampling": "rgb_1k"}, {"variant": "cope", "sampling": "rgb_4k"}])
    assert found.text == "not run (needs latency of rgb / rgb_1k)"
    assert judge(test={"kind": "untestable", "why": "secret"}).text == "cannot be tested (secret)"


def test_arithmetic_needs_no_results(tmp_path: Path) -> None:
    study = tiny()
    layout = Layout(tmp_path / "results" / "tiny")
    verdicts = decide(load_ledgers(), Evidence(Results(study, layout), Latencies(study, layout), Retrievals(study, layout)))
    arithmetic = {verdict.claim.id: verdict for verdict in verdicts if verdict.claim.kind == "arithmetic"}
    assert {verdict.status for verdict in arithmetic.values()} == {"reproduced", "contradicted"}
    assert {name for name, verdict in arithmetic.items() if verdict.status == "contradicted"} == {
        "cope.tokens.h5-caption",
        "cope.tokens.spatial",
        "cope.tokens.table1-p-frames-2k",
        "cope.tokens.table1-p-frames-4k",
        "cope.parameters.text",
        "cope.table3a.mvbench-gain",
        "cope.tomato-agrees",
        "cope.tempcompass-agrees",
        "cope.table-h5.is-1fps-main-tempcompass",
        "cope.table-h5.is-1fps-main-mvbench",
        "cope.table-e1.videomme-agrees",
        "cope.table2.actnet-agrees",
    }
    assert count(verdicts)["reproduced"] == sum(verdict.status == "reproduced" for verdict in arithmetic.values())


def test_the_miniature_decides_its_claims(finished: Finished) -> None:
    mini = [
        verdict
        for verdict in finished.sources.verdicts
        if verdict.claim.scale == "miniature" and verdict.claim.kind != "arithmetic"
    ]
    assert len(mini) > 15
    # What is left over needs cells of the larger miniature, and says so.
    undecided = [verdict for verdict in mini if verdict.status == "not run"]
    assert all("not part of study" in verdict.reason or "no question of this type" in verdict.reason for verdict in undecided)
    assert len(mini) - len(undecided) > 15
    headlines = {verdict.claim.id: verdict.status for verdict in mini if verdict.claim.headline}
    assert headlines["cope.mini.delta-beats-keyframes"] == "reproduced"
    assert headlines["msjoe.mini.sampler-beats-top-k"] == "inconclusive"


def test_a_claim_about_the_paper_is_never_reproduced_by_the_miniature(finished: Finished) -> None:
    full = [v for v in finished.sources.verdicts if v.claim.scale == "paper" and v.claim.kind != "arithmetic"]
    assert {verdict.status for verdict in full} == {"not run", "cannot be tested"}
