"""The template every method passes, methods that must not pass it, and the guide followed to the letter."""

import importlib
import re
import sys
from pathlib import Path

import pytest
import torch
import yaml

import framethrift.reducers as package
from framethrift.config import Study
from framethrift.reducers import REDUCERS, reduce
from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput, ReductionError, keep
from tests.reducers.reducer_checks import CHECKS, SHARES, check_budget, check_complexity, video

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", REDUCERS)
def test_every_reducer(name, check, record_property):
    record_property(check.__name__, check(name))


# Methods that keep a whole number of tokens of every frame, or choose freely; the others say in their modules what they step by.
EXACT = ("uniform", "random", "visionzip", "longvlm")


@pytest.mark.parametrize("name", EXACT)
@pytest.mark.parametrize("share", SHARES)
def test_exact_methods_keep_exactly_the_budget(name, share):
    given = video(20, 4, 4, share)
    assert reduce(name, given).count == given.budget


@pytest.mark.parametrize("name", ["timechat_online", "cacheflow"])
def test_thresholds_meet_the_budget_to_the_token_where_similarities_differ(name):
    for share in (0.25, 0.5, 0.9):
        given = video(20, 4, 4, share)
        assert reduce(name, given).count == given.budget


class Bad:
    """Makes a registered reducer out of a function, for one test."""

    def __init__(self, monkeypatch) -> None:
        self._monkeypatch = monkeypatch

    def __call__(self, function) -> str:
        module = type(sys)("framethrift.reducers.bad")
        module.REDUCER = Reducer(function)
        self._monkeypatch.setitem(sys.modules, "framethrift.reducers.bad", module)
        self._monkeypatch.setattr(package, "REDUCERS", (*REDUCERS, "bad"))
        return "bad"


@pytest.fixture
def bad(monkeypatch) -> Bad:
    return Bad(monkeypatch)


def _few(inputs: ReducerInput) -> torch.Tensor:
    return torch.arange(inputs.budget)


def _too_many(inputs: ReducerInput) -> Reduced:
    return keep(inputs, torch.arange(min(inputs.budget + 1, inputs.frames * inputs.per_frame)))


def _outside(inputs: ReducerInput) -> Reduced:
    kept = keep(inputs, _few(inputs))
    return Reduced(kept.tokens, kept.places + 0.5, kept.origin, kept.into)


def _orphan(inputs: ReducerInput) -> Reduced:
    kept = keep(inputs, _few(inputs))
    return Reduced(kept.tokens, kept.places, kept.origin[1:], kept.into[1:])


def _unseeded(inputs: ReducerInput) -> Reduced:
    return keep(inputs, torch.randperm(inputs.frames * inputs.per_frame)[: inputs.budget])


def _writes(inputs: ReducerInput) -> Reduced:
    kept = keep(inputs, _few(inputs))
    inputs.tokens.mul_(2)
    return kept


def _remembers() -> object:
    calls = []

    def method(inputs: ReducerInput) -> Reduced:
        calls.append(1)
        kept = keep(inputs, _few(inputs))
        return Reduced(kept.tokens + len(calls), kept.places, kept.origin, kept.into)

    return method


def _divides(inputs: ReducerInput) -> Reduced:
    kept = keep(inputs, _few(inputs))
    centred = inputs.flat() - inputs.flat().mean(0)
    return Reduced(kept.tokens / centred.std(), kept.places, kept.origin, kept.into)


def _cubic(inputs: ReducerInput) -> Reduced:
    flat = inputs.flat()
    for _ in range(len(flat) ** 2 // 2**14):
        flat @ flat[:16].T
    return keep(inputs, _few(inputs))


BROKEN = {
    "check_budget": (_too_many, _outside, _orphan),
    "check_places": (_outside,),
    "check_deterministic": (_unseeded, _writes),
    "check_independent": (_remembers(), _unseeded),
    "check_constant": (_divides,),
    "check_complexity": (_cubic,),
}


@pytest.mark.parametrize(
    ("check", "function"),
    [(name, function) for name, functions in BROKEN.items() for function in functions],
    ids=lambda value: getattr(value, "__name__", value),
)
def test_the_template_refuses_broken_methods(bad, check, function):
    checks = {one.__name__: one for one in CHECKS}
    assert checks.keys() == BROKEN.keys(), "every check has a method that fails it"
    with pytest.raises((AssertionError, ReductionError)):
        checks[check](bad(function))


def test_what_is_missing_or_unknown_is_named():
    with pytest.raises(ReductionError, match=r"'fancy' is not registered; allowed: \['cacheflow'"):
        reduce("fancy", video(4, 3, 3))
    with pytest.raises(ReductionError, match=r"no \['tau'\]; allowed: \['per_frame', 'threshold'\]"):
        reduce("timechat_online", video(4, 3, 3), tau=0.5)
    tokens = torch.zeros(2, 9, 8)
    with pytest.raises(ReductionError, match="attention: reducer 'visionzip'"):
        reduce("visionzip", ReducerInput(tokens, [0, 1], (3, 3), 0.5))
    with pytest.raises(ReductionError, match="words: reducer 'savemem'"):
        reduce("savemem", ReducerInput(tokens, [0, 1], (3, 3), 0.5))
    for given, message in (
        ({"grid": (3, 4)}, "tokens: shape"),
        ({"timestamps": [0]}, "timestamps: 1 for 2"),
        ({"share": 0.0}, "share: 0"),
        ({"attention": torch.zeros(2, 8)}, "attention: shape"),
        ({"keys": torch.zeros(3, 9, 4)}, "keys: shape"),
    ):
        with pytest.raises(ReductionError, match=message):
            ReducerInput(**({"tokens": tokens, "timestamps": [0, 1], "grid": (3, 3), "share": 0.5} | given))


def test_names_import_no_torch():
    import subprocess

    code = "import sys; from framethrift.reducers import REDUCERS; assert len(REDUCERS) >= 14 and 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_the_guide_followed_for_real(tmp_path, monkeypatch):
    """The guide's method, written to a new file and named in the registry, passes the template; nothing else is touched."""
    guide = (ROOT / "docs" / "add-a-method.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n# framethrift/reducers/brightest\.py\n(.*?)```", guide, flags=re.DOTALL)
    (tmp_path / "brightest.py").write_text(code, encoding="utf-8")
    assert '    "brightest",\n' in guide, "the guide shows the registry line"
    arena, samplings = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", guide, flags=re.DOTALL))
    small = yaml.safe_load((ROOT / "config/studies/small.yaml").read_text(encoding="utf-8"))
    small["samplings"] |= samplings["samplings"]
    study = Study.model_validate({**small, **arena, "latency": []})
    assert {"brightest_25", "brightest_third"} <= set(study.samplings) and ("rgb", "brightest_25") in study.evaluations()
    monkeypatch.setattr(package, "__path__", [*package.__path__, str(tmp_path)])
    monkeypatch.setattr(package, "REDUCERS", (*REDUCERS, "brightest"))
    try:
        for check in CHECKS:
            check("brightest")
        tokens = torch.tensor([[[1.0, 0.0], [3.0, 4.0]], [[0.0, 2.0], [0.0, 0.5]]])
        kept = reduce("brightest", ReducerInput(tokens, [0, 1], (1, 2), 0.5))
        assert kept.tokens.tolist() == [[3.0, 4.0], [0.0, 2.0]] and kept.places.tolist() == [[0, 0, 1], [1, 0, 0]]
    finally:
        sys.modules.pop("framethrift.reducers.brightest", None)
        importlib.invalidate_caches()


def test_budget_and_complexity_are_measured(bad):
    """The two checks that measure do tell a linear method from a cubic one."""
    name = bad(lambda inputs: keep(inputs, _few(inputs)))
    check_budget(name)
    assert check_complexity(name) < 1.9
