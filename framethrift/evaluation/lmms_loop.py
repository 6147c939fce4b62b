"""Running lmms-eval's evaluation loop over our questions, offline, with task files filled in for the occasion."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from framethrift.evaluation.questions import EncodedVideo, Question


def write_task(folder: Path, benchmark: str, questions: Sequence[Question], videos: Mapping[str, EncodedVideo]) -> None:
    """Write a miniature benchmark's questions (JSON lines) and the filled-in task file that reads them."""
    template = Template(resources.files("framethrift.evaluation.tasks.mini").joinpath("task.yaml").read_text(encoding="utf-8"))
    folder.mkdir(parents=True, exist_ok=True)
    data = (folder / f"{benchmark}.jsonl").resolve()
    data.write_text("".join(json.dumps(_document(q, videos[q.video_id])) + "\n" for q in questions), encoding="utf-8")
    filled = template.substitute(task=benchmark, questions=json.dumps(str(data)))
    (folder / f"{benchmark}.yaml").write_text(filled, encoding="utf-8")


def _document(question: Question, video: EncodedVideo) -> dict[str, Any]:
    return {
        "question_id": question.question_id,
        "video_id": question.video_id,
        "video": str(video.path.resolve()),
        "type": question.type,
        "question": question.question,
        "options": list(question.options),
        "answer": question.answer,
        "evidence": [list(interval) for interval in question.evidence],
    }


@contextmanager
def offline(cache: Path) -> Iterator[None]:
    """Within, Hugging Face's libraries use no network and keep their caches in `cache`; enter before importing lmms-eval."""
    wanted = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(cache.resolve()),
        "LMMS_EVAL_DATASETS_CACHE": str((cache / "datasets").resolve()),
        "TOKENIZERS_PARALLELISM": "false",
    }
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def run_tasks(model: Any, tasks: Sequence[str], folder: Path) -> dict[str, Any]:
    """lmms-eval's results of `model` (an lmms object) on the task files in `folder`."""
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.tasks import TaskManager

    manager = TaskManager("WARNING", include_path=str(folder), include_defaults=False)
    # Their bootstrap ignores that questions of one video belong together; ours is in framethrift.evaluation.statistics.
    return simple_evaluate(
        model=model, tasks=list(tasks), task_manager=manager, bootstrap_iters=0, process_docs_parallel=1, verbosity="WARNING"
    )
