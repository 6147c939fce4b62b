"""A rule's digests move with what decides its result, and with nothing else."""

from pathlib import Path

import pytest

from framethrift.config import digest, load_study
from framethrift.config.digest import code_digest, rule_digest
from tests.config.import_closure import closure_of_rule

MINI = Path(__file__).parents[2] / "config/studies/mini.yaml"
RULES = {
    "videos": ("motion",),
    "codec": ("motion",),
    "tokenizer": (),
    "vision": (),
    "clip": (),
    "delta": ("cope",),
    "retrieval": ("cope",),
    "videolm": ("cope",),
    "pass_rates": ("mllm",),
    "curate": ("mllm",),
    "sampler": ("sampler",),
    "joint": ("msjoe",),
    "evaluate": ("cope", "cope_1k"),
    "judge": ("cope", "cope_1k"),
    "latency": ("cope",),
    "dialogue": ("cope", "cope_1k"),
    "report": (),
}


@pytest.mark.parametrize(
    ("override", "moved"),
    [
        ("training.joint.learning_rate=1e-5", {"joint", "report"}),
        ("training.delta.learning_rate=1e-5", {"delta", "report"}),
        ("training.videolm.learning_rate=1e-5", {"videolm", "report"}),
        ("recipes.motion.quantiser=4", {"codec", "report"}),
        ("datasets.motion.seed=99", {"videos", "report"}),
        ("training.clip.steps=111", {"clip", "report"}),
        ("samplings.cope_1k.max_gops=7", {"videolm", "evaluate", "latency", "dialogue", "report"}),
        ("description=Another sentence.", {"report"}),
    ],
)
def test_a_setting_moves_exactly_its_rules(override: str, moved: set[str]) -> None:
    plain, changed = load_study(MINI), load_study(MINI, [override])
    assert {
        rule for rule, names in RULES.items() if rule_digest(plain, rule, *names) != rule_digest(changed, rule, *names)
    } == moved


# Executed by every step, and deciding nothing that a digest of settings does not already hold.
HARMLESS = (
    "framethrift/config/",
    "framethrift/tracking/",
    "framethrift/files.py",
    "framethrift/progress.py",
    "framethrift/secrets.py",
    "framethrift/torchvision_hook.py",
)
# What a rule's command imports and a digest leaves out all the same, with the reason.
_TYPES = (
    *(f"framethrift/{package}/" for package in ("codec", "models", "published", "tokens", "videos")),
    "framethrift/evaluation/questions.py",
)
# Keeping, scoring and counting raw answers does not change them.
_AFTERWARDS = tuple(
    f"framethrift/evaluation/{name}.py"
    for name in (
        *("cells", "evaluate", "figures", "journal", "keys", "lmms_scores", "parse", "replay"),
        *("scoring", "shards", "statistics", "stopwatch", "text_metrics"),
    )
)
LEFT_OUT = {
    "answer": (*_AFTERWARDS, "framethrift/published/", "framethrift/videos/"),
    # Part of the settings of published benchmarks, and of nothing else; through what an endpoint is asked, not what it is asked.
    "videos": ("framethrift/published/", "framethrift/evaluation/judging/"),
    # Only the name of an error comes from there.
    **dict.fromkeys(("evaluate", "arena", "latency", "dialogue"), ("framethrift/published/", "framethrift/videos/")),
    "report": _TYPES,  # the types of answers that lie there already
    "table": _TYPES,
    "labels": _TYPES,
    "judge": (*_TYPES, "framethrift/evaluation/"),  # verdicts cost money: what is computed from them is the report's business
}


@pytest.mark.parametrize("rule", [*RULES, "weights", "table", "bundle", "judge", "labels", "answer", "arena"])
def test_a_digest_names_every_module_that_the_rules_command_can_execute(rule: str) -> None:
    closure = {path.relative_to(digest.ROOT).as_posix() for path in closure_of_rule(rule)}
    assert len(closure) > 10
    harmless = (*HARMLESS, *LEFT_OUT.get(rule, ()))
    forgotten = {name for name in closure - set(digest.rule_code(rule)) if not name.startswith(harmless)}
    assert not forgotten, f"framethrift/config/digest.py: the digest of rule {rule} leaves out {sorted(forgotten)}"


def test_the_walk_finds_what_it_should() -> None:
    found = {path.relative_to(digest.ROOT).as_posix() for path in closure_of_rule("retrieval")}
    # A local import of the command, a name that a package passes on, and a module behind that one.
    assert {"framethrift/evaluation/retrieval.py", "framethrift/codec/fused_video.py", "framethrift/codec/fusion.py"} <= found
    assert "framethrift/codec/encode.py" not in found


@pytest.mark.parametrize(
    ("module", "moved"),
    [
        ("framethrift/codec/fusion.py", {"codec", "retrieval", "evaluate", "latency", "dialogue", "report"}),
        ("framethrift/videos/shapes.py", {"videos"}),
        ("framethrift/reporting/style.py", {"report"}),
        ("lightning_modules/trainer.py", set()),  # training follows versions
    ],
)
def test_a_changed_module_moves_exactly_its_rules(module: str, moved: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    study = load_study(MINI)
    plain = {rule: rule_digest(study, rule, *names) for rule, names in RULES.items()}
    real = digest._file_digest
    monkeypatch.setattr(digest, "_file_digest", lambda path: "changed" if path == digest.ROOT / module else real(path))
    _forget_sets()
    assert {rule for rule, names in RULES.items() if rule_digest(study, rule, *names) != plain[rule]} == moved
    _forget_sets()


def _package(root: Path, text: str) -> str:
    (root / "part").mkdir(exist_ok=True)
    (root / "part" / "module.py").write_text(text, encoding="utf-8")
    _forget()
    return code_digest("part")


def _forget_sets() -> None:
    code_digest.cache_clear()
    digest.code_of.cache_clear()


def _forget() -> None:
    _forget_sets()
    digest._file_digest.cache_clear()


def test_code_digest_is_blind_to_comments_docstrings_and_formatting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    plain = _package(tmp_path, "def f(x):\n    return x + 1\n")
    assert _package(tmp_path, '"""Doc."""\n\n\ndef f(x):\n    """Adds."""\n    # why\n    return (x +\n            1)\n') == plain
    assert _package(tmp_path, "def f(x):\n    return x + 2\n") != plain
    _forget()


def test_code_digest_of_nothing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"framethrift\.nowhere"):
        code_digest("framethrift.nowhere")
