"""Kills a run of the workflow at random until it is done, and compares its tables with those of an undisturbed run.

python perf/punisher.py --kills 30 --out perf/measured/punisher.json

Victims, every few seconds: one step (or one of its worker processes), the scheduler alone, scheduler and steps together, and
the MLflow server that the run reports to. After every kill the run is started again as `make demo` does it. A study that is
done before all kills are spent is started anew in an empty folder. Exit code 1 when a table, a model or a figure differs.
"""

import argparse
import json
import os
import platform
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from framethrift.config import Layout, load_study
from framethrift.integrity.doctor import examine
from framethrift.tracking import sync
from framethrift.unlock import working

ROOT = Path(__file__).resolve().parents[1]
STUDY = ROOT / "tests/failures/spark.yaml"
LINKS = ("config", "workflow", "Snakefile", "slurm")
# Durations and times of day, which no two runs share: everything else must be equal byte for byte.
TIMED = ("stages", "latency")
UNDISTURBED = 600.0  # seconds that a run without kills may take


@dataclass
class Tally:
    """What was done to a run."""

    kills: Counter[str] = field(default_factory=Counter)
    starts: int = 0
    rounds: int = 0
    seconds: float = 0.0


class MlflowServer:
    """A tracking server that is killed and comes back."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self._port = probe.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        """Where it listens, when it lives."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Start it unless it lives; it needs some seconds until it answers."""
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(self._port)]
            command += ["--backend-store-uri", f"sqlite:///{self._folder}/server.db", "--artifacts-destination", "server"]
            environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
            quiet = subprocess.DEVNULL
            self._process = subprocess.Popen(
                command, cwd=self._folder, env=environment, start_new_session=True, stdout=quiet, stderr=quiet
            )

    def kill(self) -> bool:
        """Kill it with all its workers; False when it was dead already."""
        if self._process is None or self._process.poll() is not None:
            return False
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        return True

    def wait(self) -> None:
        """Wait until it answers. Raises TimeoutError after a minute."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
                return
            time.sleep(0.5)
        raise TimeoutError(f"the MLflow server at {self.address} does not answer")


class Run:
    """The workflow in a folder of its own."""

    def __init__(self, folder: Path, study: Path, address: str | None) -> None:
        folder.mkdir(parents=True)
        for name in LINKS:
            (folder / name).symlink_to(ROOT / name)
        shutil.copy(study, folder / "study.yaml")
        self.folder = folder
        self._arguments = ["--profile", "workflow/profiles/default", "--config", "study=study.yaml"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        python = f"{ROOT}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
        self.environment = {**os.environ, "PATH": path, "PYTHONPATH": python, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1"}
        if address:
            self.environment["MLFLOW_TRACKING_URI"] = address
        self._log = (folder / "console.log").open("ab")

    def start(self) -> subprocess.Popen[bytes]:
        """Unlock and run, as `make demo` does."""
        script = 'python -m framethrift.unlock "$@" && exec python -m snakemake "$@"'
        command = ["sh", "-c", script, "sh", *self._arguments]
        return subprocess.Popen(
            command, cwd=self.folder, env=self.environment, start_new_session=True, stdout=self._log, stderr=self._log
        )

    def processes(self) -> tuple[list[int], list[int]]:
        """Ids of the living schedulers, and of the living steps with their workers."""
        steps: list[int] = []
        for pid in working(self.folder, "framethrift"):
            with suppress(psutil.NoSuchProcess):
                steps += [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
        return list(working(self.folder, "snakemake")), steps


def punish(run: Run, server: MlflowServer, rng: random.Random, tally: Tally, wanted: int, mean: float) -> None:
    """Run to the end, killing until `wanted` kills are done."""
    process = run.start()
    tally.starts += 1
    while True:
        pause = min(rng.expovariate(1 / mean), 5 * mean) if tally.kills.total() < wanted else UNDISTURBED
        try:
            code = process.wait(pause)
        except subprocess.TimeoutExpired:
            if tally.kills.total() >= wanted:
                raise
            _strike(run, server, rng, tally)
            continue
        if code == 0:
            return
        server.start()
        process = run.start()
        tally.starts += 1


def _strike(run: Run, server: MlflowServer, rng: random.Random, tally: Tally) -> None:
    schedulers, steps = run.processes()
    victim = rng.choice(["step", "step", "scheduler", "both", "mlflow"])
    if victim == "mlflow":
        if server.kill():
            tally.kills[victim] += 1
        else:
            server.start()
        return
    pids = {"step": [rng.choice(steps)] if steps else [], "scheduler": schedulers, "both": schedulers + steps}[victim]
    struck = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            struck += 1
    if struck:
        tally.kills[victim] += 1


def differences(folder: Path, other: Path, name: str) -> list[str]:
    """Tables, models, retrieval figures and answers of two finished runs that are not equal."""
    wrong = []
    tables = {path.name for base in (folder, other) for path in (base / f"reports/{name}/tables").glob("*.*")}
    assert tables, "a finished run has tables"
    for table in sorted(table for table in tables if not table.startswith(TIMED)):
        if _bytes(folder / f"reports/{name}/tables/{table}") != _bytes(other / f"reports/{name}/tables/{table}"):
            wrong.append(f"table {table}")
    for pattern, read in (
        ("models/**/framethrift.json", _files),
        ("retrieval/**/*.json", _bytes),
        ("cells/**/*.jsonl", _answers),
    ):
        results = [base / f"results/{name}" for base in (folder, other)]
        relative = {path.relative_to(base) for base in results for path in base.glob(pattern)}
        assert relative, f"a finished run has {pattern}"
        for path in sorted(relative):
            if read(results[0] / path) != read(results[1] / path):
                wrong.append(str(path))
    return wrong


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.is_file() else None


def _files(manifest: Path) -> object:
    return json.loads(manifest.read_text())["files"]


def _answers(path: Path) -> list[object]:
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    return [{key: value for key, value in row.items() if key != "seconds"} for row in rows]


def _metrics(address: str, name: str) -> dict[str, object]:
    """Status of each run, and how often a metric value stands in the store more than once."""
    from mlflow import MlflowClient

    client = MlflowClient(address)
    experiment = client.get_experiment_by_name(name)
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    repeated = 0
    for run in runs:
        for metric in run.data.metrics:
            steps = Counter((value.step, value.value) for value in client.get_metric_history(run.info.run_id, metric))
            repeated += sum(count - 1 for count in steps.values())
    return {"runs": len(runs), "status": dict(Counter(run.info.status for run in runs)), "repeated_values": repeated}


def main() -> None:
    """Punish, compare, write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=STUDY)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--mean", type=float, default=7.0, help="mean seconds between two kills")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to run; a temporary folder when left out")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    base = given.folder or Path(tempfile.mkdtemp(prefix="punisher-"))
    name, rng, tally = load_study(given.study).name, random.Random(given.seed), Tally()
    began = time.monotonic()
    quiet = Run(base / "quiet", given.study, None)
    assert quiet.start().wait(UNDISTURBED) == 0, f"the undisturbed run failed: {quiet.folder}/console.log"
    undisturbed = time.monotonic() - began
    wrong: list[str] = []
    began = time.monotonic()
    while tally.kills.total() < given.kills:
        tally.rounds += 1
        folder = base / f"round{tally.rounds}"
        folder.mkdir(parents=True)
        server = MlflowServer(folder)
        server.start()
        try:
            run = Run(folder / "run", given.study, server.address)
            punish(run, server, rng, tally, given.kills, given.mean)
            server.start()
            server.wait()
            os.environ["MLFLOW_TRACKING_URI"] = server.address
            os.chdir(run.folder)
            sync(Layout(f"results/{name}"))
            tracked = _metrics(server.address, name)
            diagnosis = examine(Layout(f"results/{name}"))
        finally:
            server.kill()
            os.chdir(ROOT)
        wrong += differences(quiet.folder, run.folder, name)
        wrong += [f"{finding.path}: {finding.what}" for finding in diagnosis.findings if not finding.untidy]
        wrong += [] if set(tracked["status"]) == {"FINISHED"} and not tracked["repeated_values"] else [f"MLflow: {tracked}"]  # type: ignore[call-overload]
        print(f"round {tally.rounds}: {dict(tally.kills)} so far; {wrong or 'equal'}", flush=True)
    tally.seconds = time.monotonic() - began
    facts = {
        "study": given.study.name,
        "kills": tally.kills.total(),
        "by_victim": dict(tally.kills),
        "starts": tally.starts,
        "rounds": tally.rounds,
        "mean_seconds_between_kills": given.mean,
        "seed": given.seed,
        "seconds": round(tally.seconds, 1),
        "seconds_undisturbed": round(undisturbed, 1),
        "differences": wrong,
        "mlflow": tracked,
        "machine": {"cores": os.cpu_count(), "cpu": platform.processor() or platform.machine(), "load": os.getloadavg()[0]},
        "python": platform.python_version(),
    }
    text = json.dumps(facts, indent=1) + "\n"
    print(text, end="")
    if given.out:
        given.out.parent.mkdir(parents=True, exist_ok=True)
        given.out.write_text(text, encoding="utf-8")
    if not given.folder and not wrong:
        shutil.rmtree(base)
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
