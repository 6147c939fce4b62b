"""Arithmetic over the papers' own numbers: a formula in a ledger is data, never code."""

import ast
import operator
from collections.abc import Callable, Mapping

from framethrift.config.ledgers import TokenPrices
from framethrift.tokens import TokenCosts, token_budget

_BINARY: dict[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


class FormulaError(ValueError):
    """A formula that is no arithmetic, or names a claim without a number."""


def evaluate(formula: str, values: Mapping[str, float | None], prices: TokenPrices | None) -> float:
    """Value of `formula`: numbers, + - * / // **, brackets, `tokens(I, P)` and `value('claim id')`.

    `tokens` is the token budget of I key frames and P fused P-frames at the ledger's prices. Raises FormulaError naming what
    is not allowed.
    """
    try:
        tree = ast.parse(formula, mode="eval")
    except SyntaxError as error:
        raise FormulaError(f"{formula!r}: not an expression: {error.msg}") from error

    def tokens(i_frames: float, p_frames: float) -> float:
        if prices is None:
            raise FormulaError(f"{formula!r}: tokens() needs the ledger's token_prices")
        return token_budget((int(i_frames), int(p_frames)), TokenCosts(**prices.model_dump()))

    def number(node: ast.AST) -> float:
        if isinstance(node, ast.Expression):
            return number(node.body)
        if isinstance(node, ast.Constant) and isinstance(node.value, int | float) and not isinstance(node.value, bool):
            return node.value
        if isinstance(node, ast.BinOp) and type(node.op) in _BINARY:
            return _BINARY[type(node.op)](number(node.left), number(node.right))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -number(node.operand)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            if node.func.id == "tokens" and len(node.args) == 2:
                return tokens(number(node.args[0]), number(node.args[1]))
            if node.func.id == "value" and len(node.args) == 1 and isinstance(node.args[0], ast.Constant):
                return stated(str(node.args[0].value))
        raise FormulaError(
            f"{formula!r}: {ast.unparse(node)!r} is not allowed; allowed: numbers, + - * / // **, tokens(I, P), value('id')"
        )

    def stated(claim: str) -> float:
        found = values.get(claim)
        if found is None:
            raise FormulaError(f"{formula!r}: no claim {claim!r} with a number")
        return found

    try:
        return number(tree)
    except ZeroDivisionError as error:
        raise FormulaError(f"{formula!r}: division by zero") from error
