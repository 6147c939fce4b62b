"""What a site file says, and what becomes of it in the profile."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from snakemake.profiles import ProfileConfigFileParser

from framethrift.config.site import DEFAULT, VARIABLE, Site, SiteError, load_site

ROOT = Path(__file__).parents[2]
SMALL = {
    "gpu": {"name": "a100", "memory_mb": 100000, "cores": 12, "minutes": 600},
    "cpu": {"name": "batch", "memory_mb": 50000, "cores": 8, "minutes": 300},
    "account": "lab",
    "qos": "long",
    "constraint": "80gb",
    "gpu_type": "nvidia_a100",
    "devices": {"videolm": {"nodes": 2, "gpus": 4, "micro_batch": 2}},
    "retries": {"training": 9, "others": 1},
    "status": "squeue",
}


def write(folder: Path, **changes: object) -> Path:
    path = folder / "site.yaml"
    path.write_text(yaml.safe_dump({"site": SMALL | changes}))
    return path


def test_the_profiles_own_site_is_valid() -> None:
    assert load_site(DEFAULT).gpu.name == "gpu"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"partiton": "x"}, r"site\.partiton = 'x'"),
        ({"gpu": {"name": "a", "memory_mb": 0, "cores": 1, "minutes": 1}}, r"site\.gpu\.memory_mb = 0"),
        ({"devices": {"vision": {}}}, r"site\.devices\.vision"),
        ({"status": "maybe"}, r"site\.status = 'maybe'"),
    ],
)
def test_a_wrong_field_is_named(tmp_path: Path, changes: dict[str, object], message: str) -> None:
    with pytest.raises(SiteError, match=message):
        load_site(write(tmp_path, **changes))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SiteError, match=r"nowhere\.yaml: cannot be read.*FRAMETHRIFT_SITE"):
        load_site(tmp_path / "nowhere.yaml")


def test_stages_on_several_nodes_are_started_by_themselves() -> None:
    site = Site.model_validate(SMALL)
    spread = site.training("videolm", 60000, 900)
    assert (
        spread["devices"] == 4 and spread["nodes"] == 2 and spread["micro_batch"] == 2 and spread["gres"] == "gpu:nvidia_a100:4"
    )
    assert spread["mpi"] == "srun" and spread["tasks"] == 2 and spread["tasks_per_gpu"] == 0
    assert spread["runtime"] == 600 and spread["mem_mb"] == "min(60000 * attempt, 100000)"
    assert "mpi" not in site.training("delta", 60000, 900)
    assert site.threads("videolm", 8) == 12 and site.threads("delta", 8) == 8


@pytest.mark.parametrize(("script", "command"), [("exit 0", "sacct"), ("exit 1", "squeue"), (None, "squeue")])
def test_sacct_is_used_where_it_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str | None, command: str
) -> None:
    if script:
        (tmp_path / "sacct").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "sacct").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Site.model_validate(SMALL | {"status": "auto"}).status_command() == command


def test_the_profile_asks_for_what_the_site_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, str(write(tmp_path)))
    with (ROOT / "slurm/profile.v9+.yaml").open(encoding="utf-8") as stream:
        profile = ProfileConfigFileParser().parse(stream)
    asked = set(profile["set-resources"]) | {f"default:{value}" for value in profile["default-resources"]}
    assert {
        "videolm:gres=gpu:nvidia_a100:4",
        "videolm:nodes=2",
        "videolm:runtime=600",
        "videolm:constraint=80gb",
        "answer:slurm_partition=a100",
        "answer:runtime=min(1440 * attempt, 600)",
        "codec:slurm_partition=batch",
        "codec:mem_mb=min(64000 * attempt, 50000)",
        "default:slurm_account=lab",
        "default:qos=long",
    } <= asked
    assert profile["retries"] == "1" and profile["slurm-status-command"] == "squeue"
    placed = {line.partition(":")[0] for line in profile["set-resources"]}
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(ROOT.glob("workflow/rules/*.smk")))
    working = {rule for rule, body in re.findall(r"^rule (\w+):\n((?:    .*\n|\n)*)", text, re.MULTILINE) if "    shell:" in body}
    local = re.search(r"^localrules:\n((?:    .*\n)*)", (ROOT / "Snakefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert local and working - placed == set(re.findall(r"\w+", local[1])) - {"all"}
    assert placed <= working


def test_the_profile_plans_on_a_machine_without_slurm(tmp_path: Path) -> None:
    (tmp_path / "config").symlink_to(ROOT / "config")
    command = [sys.executable, "-m", "snakemake", "-n", "--profile", "slurm", "--directory", str(tmp_path)]
    command += ["--config", f"study={ROOT / 'tests/workflow/tiny.yaml'}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    output = done.stdout + done.stderr
    assert done.returncode == 0, output[-3000:]
    assert re.search(r"^videolm +2$", output, re.MULTILINE)
