"""Formulas of the ledger are arithmetic and nothing else."""

import pytest

from framethrift.config.ledgers import TokenPrices
from framethrift.reporting.formula import FormulaError, evaluate

PRICES = TokenPrices(image_tokens=196, newline_tokens=14, delta_tokens=8, delta_newlines=2)


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("tokens(1, 0)", 210),
        ("tokens(0, 1)", 10),
        ("tokens(64, 0)", 13440),
        ("tokens(4, 4)", 880),
        ("tokens(8, 8)", 1760),
        ("tokens(12, 12)", 2640),
        ("100 * (1 - 0.33 / 2.39)", 86.1924686),
        ("-2 ** 2 + 7 // 2", -1),
        ("value('a') - value('b')", 2.5),
    ],
)
def test_values(formula: str, value: float) -> None:
    assert evaluate(formula, {"a": 4.0, "b": 1.5}, PRICES) == pytest.approx(value)


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("__import__('os')", "not allowed"),
        ("(1).real", "not allowed"),
        ("[1, 2]", "not allowed"),
        ("'a'", "not allowed"),
        ("True", "not allowed"),
        ("1 +", "not an expression"),
        ("1 / 0", "division by zero"),
        ("value('c')", "no claim 'c' with a number"),
        ("value('b')", "no claim 'b' with a number"),
    ],
)
def test_what_is_refused(formula: str, message: str) -> None:
    with pytest.raises(FormulaError, match=message):
        evaluate(formula, {"a": 1.0, "b": None}, PRICES)


def test_tokens_need_prices() -> None:
    with pytest.raises(FormulaError, match="token_prices"):
        evaluate("tokens(1, 0)", {}, None)
