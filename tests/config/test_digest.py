"""A rule's digests move with what decides its result, and with nothing else."""

from pathlib import Path

import pytest

from framethrift.config import digest, load_study
from framethrift.config.digest import code_digest, rule_digest

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
    "sampler": ("sampler",),
    "joint": ("msjoe",),
    "evaluate": ("cope", "cope_1k"),
    "judge": ("cope", "cope_1k"),
    "latency": ("cope",),
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
        ("samplings.cope_1k.max_gops=7", {"videolm", "evaluate", "report"}),
        ("description=Another sentence.", {"report"}),
    ],
)
def test_a_setting_moves_exactly_its_rules(override: str, moved: set[str]) -> None:
    plain, changed = load_study(MINI), load_study(MINI, [override])
    assert {
        rule for rule, names in RULES.items() if rule_digest(plain, rule, *names) != rule_digest(changed, rule, *names)
    } == moved


def _package(root: Path, text: str) -> str:
    (root / "part").mkdir(exist_ok=True)
    (root / "part" / "module.py").write_text(text, encoding="utf-8")
    code_digest.cache_clear()
    return code_digest("part")


def test_code_digest_is_blind_to_comments_docstrings_and_formatting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "ROOT", tmp_path)
    plain = _package(tmp_path, "def f(x):\n    return x + 1\n")
    assert _package(tmp_path, '"""Doc."""\n\n\ndef f(x):\n    """Adds."""\n    # why\n    return (x +\n            1)\n') == plain
    assert _package(tmp_path, "def f(x):\n    return x + 2\n") != plain
    code_digest.cache_clear()


def test_code_digest_of_nothing_is_an_error() -> None:
    with pytest.raises(FileNotFoundError, match=r"framethrift\.nowhere"):
        code_digest("framethrift.nowhere")
