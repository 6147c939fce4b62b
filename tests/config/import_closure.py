"""Which of the project's own files a rule's command can execute, found by reading the code, not by running it."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from framethrift.config.digest import ROOT

PROJECT = ("framethrift", "lightning_modules")
STEPS = ("framethrift/cli/steps.py", "framethrift/cli/scoring.py")


def closure_of_rule(rule: str) -> set[Path]:
    """Every project file that the command of `rule` imports, directly or not, wherever the import statement stands."""
    commands = [node for file in STEPS for node in ast.parse((ROOT / file).read_text(encoding="utf-8")).body]
    command = next(node for node in commands if isinstance(node, ast.FunctionDef) and node.name == rule)
    found: set[Path] = set()
    pending = [path for node in ast.walk(command) for path in _targets(node)]
    while pending:
        path = pending.pop()
        if path not in found:
            found.add(path)
            pending += [target for node in _walk(ast.parse(path.read_text(encoding="utf-8"))) for target in _targets(node)]
    return {path for path in found if _says_something(path)}


def _says_something(path: Path) -> bool:
    """Whether a file holds more than a docstring."""
    return any(not isinstance(node, ast.Expr) for node in ast.parse(path.read_text(encoding="utf-8")).body)


def _walk(tree: ast.AST) -> Iterator[ast.AST]:
    """All nodes but those that only a type checker sees."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            continue
        yield node
        yield from _walk(node)


def _targets(node: ast.AST) -> list[Path]:
    if isinstance(node, ast.Import):
        return [path for alias in node.names for path in _files(alias.name)]
    if not isinstance(node, ast.ImportFrom):
        return []
    assert node.module and not node.level, "the project imports absolutely"
    return [path for alias in node.names for path in _origin(node.module, alias.name)]


def _origin(module: str, name: str) -> Iterator[Path]:
    """The file that defines `name`: a package's __init__ that only passes names on decides nothing by itself."""
    if not module.startswith(PROJECT):
        return
    yield from _files(f"{module}.{name}")
    passed_on = _passed_on(module).get(name)
    # A package that imports its own module `name` passes nothing on: it has a use for it.
    yield from _origin(*passed_on) if passed_on and passed_on != (module, name) else _files(module)


@cache
def _passed_on(package: str) -> dict[str, tuple[str, str]]:
    """Names that a package's __init__ imports from the project's modules: name → (module, name there)."""
    path = ROOT.joinpath(*package.split("."), "__init__.py")
    tree = ast.parse(path.read_text(encoding="utf-8")) if path.is_file() else ast.Module([], [])
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and str(node.module).startswith(PROJECT)]
    return {alias.asname or alias.name: (str(node.module), alias.name) for node in imports for alias in node.names}


def _files(name: str) -> Iterator[Path]:
    """The file of a module or package of the project; nothing for any other name."""
    if name.startswith(PROJECT):
        base = ROOT.joinpath(*name.split("."))
        yield from (path for path in (base.with_suffix(".py"), base / "__init__.py") if path.is_file())
