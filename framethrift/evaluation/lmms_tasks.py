"""lmms-eval's tasks over our questions, offline: the documents written for their own task code, and the prompts it makes."""

import json
import os
import re
import tempfile
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from string import Template
from typing import Any, Literal

import yaml

from framethrift.evaluation.questions import EncodedVideo, Question

_NAME = re.compile(r"""^task:\s*["']?(?P<name>[\w-]+)["']?\s*$""", re.MULTILINE)


class UnknownTask(ValueError):
    """A question belongs to a task that neither lmms-eval nor this project has."""


@dataclass(frozen=True)
class Prompted:
    """A question as its task puts it: the prompt, most new tokens (None: the task states none), and strings that end it."""

    text: str
    length: int | None
    stops: tuple[str, ...]


@dataclass(frozen=True)
class Document:
    """One document of a task: several questions where the task asks in rounds, in their order."""

    task: str
    number: int
    questions: tuple[Question, ...]


@contextmanager
def offline(scratch: Path) -> Iterator[None]:
    """Within, Hugging Face's libraries use no network and keep their caches in `scratch`; enter before importing lmms-eval."""
    wanted = {
        "HF_HUB_OFFLINE": "1",
        "HF_DATASETS_OFFLINE": "1",
        "HF_HOME": str(home()),
        "LMMS_EVAL_DATASETS_CACHE": str((scratch / "datasets").resolve()),
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


def home() -> Path:
    """The HF_HOME of this process: many task modules read it once, when they are imported."""
    return Path(_home().name)


@cache
def _home() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="framethrift-")


def write_tasks(
    folder: Path, benchmark: str, questions: Sequence[Question], videos: Mapping[str, EncodedVideo]
) -> list[Document]:
    """Write the documents of a benchmark's questions (JSON lines) and, per task, a task file that reads them in `folder`.

    The task file includes lmms-eval's or this project's own for the task and changes where its documents come from, nothing else.
    Videos and other files that task code looks for are linked below HF_HOME. Raises UnknownTask.
    """
    folder.mkdir(parents=True, exist_ok=True)
    by_task: dict[str, dict[str, list[Question]]] = {}
    for question in questions:
        by_task.setdefault(question.task or benchmark, {}).setdefault(question.document_id or question.question_id, []).append(
            question
        )
    documents = []
    for task, found in by_task.items():
        data = (folder / f"{task}.jsonl").resolve()
        rows = []
        for number, asked in enumerate(found.values()):
            asked.sort(key=lambda question: question.round)
            documents.append(Document(task, number, tuple(asked)))
            rows.append(asked[0].document or json.dumps(_mini_document(asked[0], videos[asked[0].video_id])))
        data.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        text = _task_file(task, data) if next(iter(found.values()))[0].task else _mini_task(task, data)
        (folder / f"{task}.yaml").write_text(text, encoding="utf-8")
    media = {question.media: videos[question.video_id].path for question in questions if question.media}
    support = {place: Path(file) for question in questions for place, file in question.support}
    for place, file in (media | support).items():
        _link(home() / place, file)
    return documents


def _link(place: Path, file: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    place.symlink_to(file.resolve())


def _mini_task(task: str, data: Path) -> str:
    template = resources.files("framethrift.evaluation.tasks.mini").joinpath("task.yaml").read_text(encoding="utf-8")
    return Template(template).substitute(task=task, questions=json.dumps(str(data)))


def _mini_document(question: Question, video: EncodedVideo) -> dict[str, Any]:
    return {
        "question_id": question.question_id,
        "video_id": question.video_id,
        "video": str(video.path.absolute()),
        "type": question.type,
        "question": question.question,
        "options": list(question.options),
        "answer": question.answer,
        "evidence": [list(interval) for interval in question.evidence],
    }


def _task_file(task: str, data: Path) -> str:
    known = _known_tasks()
    if task not in known:
        raise UnknownTask(f"task {task!r} is neither among lmms-eval's nor in framethrift/evaluation/tasks")
    changed = {
        "include": str(known[task]),
        "task": task,
        "dataset_path": "json",
        "dataset_name": None,
        "dataset_kwargs": {"data_files": {"test": str(data)}},
        "test_split": "test",
    }
    return yaml.safe_dump(changed, sort_keys=False)


@cache
def _known_tasks() -> dict[str, Path]:
    """Task name → its file; found by text, since lmms-eval's own index imports for seconds."""
    spec = find_spec("lmms_eval")
    assert spec is not None and spec.submodule_search_locations is not None
    roots = [Path(spec.submodule_search_locations[0]) / "tasks", Path(__file__).parent / "tasks"]
    found: dict[str, Path] = {}
    for root in roots:
        for path in sorted(root.rglob("*.yaml")):
            named = _NAME.search(path.read_text(encoding="utf-8", errors="replace"))
            if named:
                found.setdefault(named["name"], path)
    return found


def open_tasks(folder: Path, names: Sequence[str], interface: Literal["simple", "chat"] = "simple") -> dict[str, Any]:
    """lmms-eval's task objects for the task files in `folder`, by name, for models of one of its two interfaces."""
    from lmms_eval.tasks import TaskManager, get_task_dict

    manager = TaskManager("WARNING", include_path=str(folder), include_defaults=False)
    return get_task_dict(list(names), manager, task_type=interface)


def prompts(tasks: Mapping[str, Any], documents: Sequence[Document]) -> dict[str, Prompted]:
    """The prompt of every question, by question id, as the task's own code makes it.

    Raises UnsupportedRequest for a task that does not ask for a greedy answer.
    """
    found = {}
    by_task: dict[str, list[Document]] = {}
    for document in documents:
        by_task.setdefault(document.task, []).append(document)
    for name, own in by_task.items():
        task = tasks[name]
        task.build_all_requests(limit=None, rank=0, world_size=1)
        requests = {request.doc_id if request.doc_id is not None else request.args[3]: request for request in task.instances}
        for document in own:
            request = requests[document.number]
            length, stops = decoding_of(request.args[1])
            for question in document.questions:
                text = request.args[0] if len(request.args) == 6 else _round(request.args, task, question)
                found[question.question_id] = Prompted(text, length, stops)
    return found


def _round(args: tuple, task: Any, question: Question) -> str:
    """The prompt of one round of a document; rounds do not see each other's answers."""
    doc = task.test_docs()[args[4]]
    _, text, terminal, _, _ = args[3](doc, previous_output=[], round_idx=question.round, previous_round_info=None)
    if terminal:
        raise ValueError(f"task {args[5]}, document {args[4]}: no round {question.round}, which {question.question_id} asks for")
    return text


class UnsupportedRequest(TypeError):
    """A request that a model which answers by greedy generation cannot serve."""


def decoding_of(settings: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    """max_new_tokens and stop strings of a task's generation settings.

    Raises UnsupportedRequest for anything but greedy decoding.
    """
    if settings.get("do_sample") or settings.get("temperature") or (settings.get("num_beams") or 1) > 1:
        raise UnsupportedRequest(f"generation_kwargs {dict(settings)}: only greedy decoding (no sampling, no beams)")
    length, stops = settings.get("max_new_tokens"), settings.get("until") or []
    return None if length is None else int(length), (stops,) if isinstance(stops, str) else tuple(stops)


def cut(raw: str, stops: Sequence[str]) -> str:
    """The answer before the first stop string."""
    for stop in stops:
        raw = raw.split(stop, 1)[0]
    return raw


def run_tasks(model: Any, tasks: Mapping[str, Any], written: Path) -> dict[str, Any]:
    """lmms-eval's results of `model` (an lmms object) on opened tasks; files that task code writes go below `written`."""
    from lmms_eval.evaluator import simple_evaluate
    from lmms_eval.tasks import TaskManager

    written.mkdir(parents=True, exist_ok=True)
    for task in tasks.values():
        _silence_judge(task)
    # Their bootstrap ignores that questions of one video belong together; ours is in framethrift.evaluation.statistics.
    return simple_evaluate(
        model=model,
        tasks=list(tasks.values()),
        # Without a manager it would read all of its 2,000 task files first.
        task_manager=TaskManager("WARNING", include_path=str(written), include_defaults=False),
        bootstrap_iters=0,
        process_docs_parallel=1,
        verbosity="WARNING",
        cli_args=Namespace(output_path=str(written), process_with_media=False),
    )


def _silence_judge(task: Any) -> None:
    """Give TempCompass's score for an answer that its rules cannot read as where no judge replies: 0, at once.

    Its code would send the answer to a chat model from inside, and wait up to 20 s for each where there is none.
    """
    known = getattr(task.config.process_results, "__globals__", {})
    if "tempcompass" in str(known.get("__file__", "")):
        known["get_eval_result"] = lambda *args, **kwargs: (None, 0)
