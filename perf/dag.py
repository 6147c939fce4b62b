"""How long Snakemake takes to plan: the full study, a finished study with nothing to do, and a study of 10,000 jobs.

python perf/dag.py --finished FOLDER --json perf/measured/dag.json

FOLDER holds a finished study, which --study names as `snakemake --config study=` does; left out, that part is not measured. Timed
as a user waits: a process of its own, from its start to its end. The big study is the full one with more seeds. Bars: 5 s, 10 s,
30 s and 1 GB; exit code 1 when one is missed.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WANTED = 10_000  # jobs of the generated study


def plan(folder: Path, *config: str, dry: bool = True) -> dict[str, Any]:
    """Seconds, peak megabytes and number of jobs of one planning."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile"), "--directory", str(folder)]
    command += ["--profile", str(ROOT / "workflow/profiles/default"), *(["--dry-run", "--quiet", "rules"] if dry else [])]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as said:
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": path}
        process = subprocess.Popen([*command, "--config", *config], cwd=ROOT, env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - began
        said.seek(0)
        text = said.read()
    if status:
        raise SystemExit(f"{' '.join(command)} failed:\n{text[-3000:]}")
    total = re.search(r"^total +(\d+)", text, re.MULTILINE)
    peak = usage.ru_maxrss / (1024 if platform.system() == "Linux" else 1024**2)
    cpu = usage.ru_utime + usage.ru_stime  # on a busy machine the truer figure
    return {
        "seconds": round(seconds, 2),
        "cpu_seconds": round(cpu, 2),
        "peak_mb": round(peak),
        "jobs": int(total.group(1)) if total else 0,
    }


def empty(base: Path, name: str) -> Path:
    """A folder in which nothing was computed."""
    folder = base / name
    folder.mkdir()
    (folder / "config").symlink_to(ROOT / "config")
    return folder


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--finished", type=Path, help="folder with a finished study")
    parser.add_argument("--study", default="spark.yaml", help="the finished study")
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    base = Path(tempfile.mkdtemp(prefix="dag-"))
    figures: dict[str, Any] = {"paper": min((plan(empty(base, f"paper{n}"), "study=paper") for n in range(3)), key=_seconds)}
    bars = {"paper": 5.0, "ten_thousand": 30.0}
    if given.finished:
        runs = (plan(given.finished, f"study={given.study}", dry=False) for _ in range(3))
        figures["no_op"] = min(runs, key=_seconds)
        bars["no_op"] = 10.0
    two = plan(empty(base, "two"), "study=paper", "set=seeds=[0, 1]")["jobs"]
    seeds = 1 + -(-(WANTED - figures["paper"]["jobs"]) // (two - figures["paper"]["jobs"]))
    figures["ten_thousand"] = plan(empty(base, "many"), "study=paper", f"set=seeds={list(range(seeds))}") | {"seeds": seeds}
    shutil.rmtree(base)
    missed = [name for name, bar in bars.items() if figures[name]["seconds"] > bar]
    missed += ["memory of ten_thousand"] if figures["ten_thousand"]["peak_mb"] > 1024 else []
    missed += ["size of ten_thousand"] if figures["ten_thousand"]["jobs"] < WANTED else []
    missed += ["jobs of paper"] if figures["paper"]["jobs"] > 2000 else []
    machine = {"cores": os.cpu_count(), "cpu": platform.machine(), "load": round(os.getloadavg()[0], 2)}
    text = json.dumps({**figures, "missed": missed, "machine": machine, "python": platform.python_version()}, indent=1) + "\n"
    print(text, end="")
    if given.json:
        given.json.parent.mkdir(parents=True, exist_ok=True)
        given.json.write_text(text, encoding="utf-8")
    sys.exit(bool(missed))


def _seconds(figure: dict[str, Any]) -> float:
    return float(figure["seconds"])


if __name__ == "__main__":
    main()
