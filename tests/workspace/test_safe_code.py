"""Nothing in the project executes what it reads: no pickles, no shell made of names, no code from configuration."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = [path for folder in ("framethrift", "lightning_modules", "perf") for path in sorted((ROOT / folder).rglob("*.py"))]
FORBIDDEN_MODULES = {"pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve", "commands"}
FORBIDDEN_CALLS = {
    "eval", "exec", "compile", "os.system", "os.popen", "yaml.load", "yaml.full_load", "yaml.unsafe_load", "pd.read_pickle",
    "pandas.read_pickle", "subprocess.getoutput", "subprocess.getstatusoutput", "shutil.unpack_archive", "torch.hub.load",
}  # fmt: skip
# Calls that are safe with one argument only.
REQUIRED = {"torch.load": ("weights_only", True)}
FORBIDDEN_ARGUMENTS = {"shell": True, "allow_pickle": True, "trust_remote_code": True, "weights_only": False}


def complaints(tree: ast.AST) -> Iterator[str]:
    """What must not be, with its line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
            yield from (f"line {node.lineno}: imports {name}" for name in names if name.partition(".")[0] in FORBIDDEN_MODULES)
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            constants = {name: value.value for name, value in given.items() if isinstance(value, ast.Constant)}
            if called in FORBIDDEN_CALLS or (called.endswith(".extractall") and "filter" not in given):
                yield f"line {node.lineno}: calls {called}"
            if called in REQUIRED and constants.get(REQUIRED[called][0]) is not REQUIRED[called][1]:
                yield f"line {node.lineno}: {called} without {REQUIRED[called][0]}={REQUIRED[called][1]}"
            for name, value in FORBIDDEN_ARGUMENTS.items():
                if name in constants and constants[name] is value:
                    yield f"line {node.lineno}: {called}({name}={value})"


def test_no_file_executes_what_it_reads() -> None:
    assert len(SOURCES) > 100
    found = [f"{path.relative_to(ROOT)}: {what}" for path in SOURCES for what in complaints(ast.parse(path.read_text("utf-8")))]
    assert not found


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from cloudpickle import loads",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "yaml.load(text, Loader=yaml.Loader)",
        "subprocess.run(f'rm {name}', shell=True)",
        "np.load(path, allow_pickle=True)",
        "eval(text)",
        "tarfile.open(path).extractall(folder)",
        "AutoModel.from_pretrained(name, trust_remote_code=True)",
    ],
)
def test_the_check_finds_each_of_them(line: str) -> None:
    assert list(complaints(ast.parse(line)))


def test_a_study_and_a_benchmark_file_are_data(tmp_path: Path) -> None:
    from framethrift.config import StudyError, load_study

    study = tmp_path / "evil.yaml"
    study.write_text(f"name: !!python/object/apply:os.system ['touch {tmp_path}/pwned']\n", encoding="utf-8")
    with pytest.raises(StudyError, match="not valid YAML"):
        load_study(study)
    with pytest.raises(StudyError, match="could not determine a constructor"):
        load_study(ROOT / "config/studies/mini.yaml", [f"name=!!python/object/apply:os.system ['touch {tmp_path}/pwned']"])
    assert not (tmp_path / "pwned").exists()
