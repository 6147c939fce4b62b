"""torchvision can be imported in every process, and Python starts as fast as before."""

import subprocess
import sys
from importlib.metadata import files
from pathlib import Path

import pytest

PRELUDE = "import sys; from framethrift import torchvision_hook as hook; "


def _python(code: str, *options: str, cwd: Path | None = None) -> str:
    done = subprocess.run([sys.executable, *options, "-c", code], capture_output=True, text=True, check=False, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def test_torchvision_and_its_friends_can_be_imported_anywhere(tmp_path: Path) -> None:
    code = (
        "import torch, torchvision; from torchvision.transforms.v2.functional import resize; "
        "print(tuple(resize(torch.zeros(3, 8, 8), [4, 6]).shape)); "
        "print(torch.ops.torchvision.nms is not None)"
    )
    assert _python(code, cwd=tmp_path).split("\n")[:2] == ["(3, 4, 6)", "True"]


def test_the_hook_is_installed_for_every_process(tmp_path: Path) -> None:
    code = "import sys; print([f.__module__ for f in sys.meta_path if isinstance(f, type)]); print('torch' in sys.modules)"
    finders, torch_loaded = _python(code, cwd=tmp_path).splitlines()
    assert finders.count("framethrift.torchvision_hook") == 1
    assert torch_loaded == "False"


def test_pip_knows_the_file_and_will_remove_it() -> None:
    installed = [str(file) for file in files("framethrift") or []]
    assert "framethrift_torchvision.pth" in installed


def test_starting_python_imports_nothing_more(tmp_path: Path) -> None:
    with_hook = set(_python("import sys; print(*sys.modules)", cwd=tmp_path).split())
    without = set(_python("import sys; print(*sys.modules)", "-S", cwd=tmp_path).split())
    own = {name for name in with_hook - without if name.startswith(("framethrift", "torch", "importlib.metadata", "typing"))}
    assert own == {"framethrift", "framethrift.torchvision_hook"}


@pytest.mark.parametrize(("compiled_part_loads", "declared"), [(True, 0), (False, 1)])
def test_operators_are_declared_only_where_the_compiled_part_is_missing(compiled_part_loads: bool, declared: int) -> None:
    code = (
        "import types; extension = types.ModuleType('torchvision.extension'); "
        f"extension._has_ops = lambda: {compiled_part_loads}; sys.modules['torchvision.extension'] = extension; "
        "spec = hook.OperatorFinder.find_spec('torchvision._meta_registrations'); "
        "hook.OperatorFinder.find_spec('torchvision._meta_registrations'); "
        "print(spec, len(hook._declared), 'torch' in sys.modules)"
    )
    assert _python(PRELUDE + code).split() == ["None", str(declared), str(not compiled_part_loads)]


def test_other_modules_are_left_alone() -> None:
    assert _python(PRELUDE + "print(hook.OperatorFinder.find_spec('torchvision'), len(hook._declared))").split() == ["None", "0"]


def test_activating_twice_is_activating_once() -> None:
    assert _python(PRELUDE + "hook.activate(); print(sys.meta_path.count(hook.OperatorFinder))").strip() == "1"
