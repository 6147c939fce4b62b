"""File names that are commands, folders with any name, and secrets in the environment."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.failures.conftest import CONFIG, PROFILE, Folder, new_folder

pytestmark = pytest.mark.xdist_group("failures")  # one process, so that the study runs once
NAMES = (
    "-rf.mp4",
    "it's.mp4",
    'a "quoted" name.mp4',
    "new\nline.mp4",
    "größe 视频.mp4",
    "$(touch pwned).mp4",
    "{x};touch pwned.mp4",
)
SECRET = "s3cret-4f9a1c"


def test_no_name_of_a_clip_or_a_folder_is_taken_for_a_command(spark: Folder, tmp_path: Path) -> None:
    """F21 and item 8: quotes, spaces, line breaks, braces, dollar signs and leading dashes, through the DAG's commands."""
    folder = new_folder(tmp_path / "it's a $HOME `touch pwned` größe")
    clips = folder.path / '-clips "of" mine; touch pwned {here}'
    clips.mkdir()
    sources = sorted((spark.path / "results/spark/videos/motion/source").rglob("*.mp4"))
    for name, source in zip(NAMES, sources, strict=True):
        (clips / name).write_bytes(source.read_bytes())
    config = (*CONFIG, "clips=" + json.dumps([clips.name], ensure_ascii=False))
    target = "results/spark/codec/clips/videos.parquet"
    done = folder.command("python", "-m", "snakemake", *PROFILE, *config, "--", target)
    assert done.returncode == 0, done.stdout + done.stderr
    made = sorted(path.stem for path in (folder.path / "results/spark/codec/clips").glob("*.mp4"))
    assert len(made) == len(NAMES)
    assert all(re.fullmatch(r"[A-Za-z0-9_-]+", stem) and not stem.startswith("-") for stem in made)
    assert not list(tmp_path.rglob("pwned"))
    assert folder.framethrift("doctor", "results/spark").returncode == 0


def test_secrets_stay_in_the_environment(broken: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Item 8: no key of the environment in a log, a record, a report or a message, even when the tracking server refuses it."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://anna:{SECRET}@127.0.0.1:9")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("OPENAI_API_KEY", f"sk-{SECRET}")
    monkeypatch.setenv("HF_TOKEN", f"hf_{SECRET}")
    for name in ("results/spark/codec/motion/videos.parquet", "results/spark/models/tokenizer/framethrift.json"):
        (broken.path / name).unlink()
    done = broken.snakemake("results/spark/models/vision/framethrift.json", options=("--forcerun", "vision"))
    assert done.returncode == 0, done.stderr
    report = broken.snakemake("reports/spark/index.html", options=("--forcerun", "report"))
    assert report.returncode == 0, report.stderr
    synced = broken.framethrift("mlflow", "sync", "spark.yaml")
    assert synced.returncode == 2 and "127.0.0.1:9" in synced.stderr
    said = done.stdout + done.stderr + report.stdout + report.stderr + synced.stdout + synced.stderr
    assert SECRET not in said
    assert "MLflow did not take everything" in report.stderr
    for base in ("results", "reports", ".snakemake"):
        for path in (broken.path / base).rglob("*"):
            if path.is_file():
                assert SECRET.encode() not in path.read_bytes(), path


def test_an_error_that_quotes_a_secret_is_logged_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from framethrift.progress import redirect_to, say

    monkeypatch.setenv("JUDGE_API_KEY", SECRET)
    log = tmp_path / "step.log"
    with pytest.raises(ConnectionError), redirect_to(log):
        say(f"asking with {SECRET}")
        raise ConnectionError(f"https://anna:other-{SECRET}@host/ refused the key {SECRET}")
    text = log.read_text(encoding="utf-8")
    assert "refused the key [JUDGE_API_KEY]" in text and "asking with [JUDGE_API_KEY]" in text
    assert SECRET not in text and os.environ["JUDGE_API_KEY"] == SECRET
