"""Questions about anybody's clip, to a trained variant's folder."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from framethrift.codec import reencode
from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Chance, Sampling, Select
from framethrift.config.study import OF_A_STUDY
from framethrift.config.training import KeyFrames
from framethrift.evaluation.answering import Answer, Answerer
from framethrift.evaluation.backbones.load import CHECKPOINT
from framethrift.evaluation.dialogue import Dialogue
from framethrift.evaluation.loading import Loaded, load_model
from framethrift.evaluation.questions import EncodedVideo
from framethrift.evaluation.shown import Ask
from framethrift.models.folder import ModelFolderError, resolve, verify
from framethrift.models.tokenizer import END, VIDEO

NEW_TOKENS = 64


@dataclass(frozen=True)
class Opened:
    """A model folder ready to answer, and the recipe that its videos must be re-encoded to."""

    folder: Path
    recipe: Recipe
    sampling: Sampling
    answerer: Answerer


@dataclass(frozen=True)
class Reply:
    """An answer with the folder and the sampling it came from."""

    question: str
    folder: Path
    sampling: Sampling
    answer: Answer

    def describe(self) -> str:
        """The answer, and what the model was shown, for a terminal."""
        times = {kind: [item["time"] for item in self.answer.shown if item["kind"] == kind] for kind in ("I", "P")}
        shown = [f"{len(found)} {kind}-frames" for kind, found in times.items() if found]
        lines = [f"{self.answer.raw.strip() or '(no answer)'}", "", f"model     {self.folder}", f"question  {self.question}"]
        lines.append(f"shown     {' and '.join(shown) or 'nothing'}, {self.answer.visual_tokens} visual tokens")
        for kind, found in times.items():
            if found:
                lines.append(f"{kind}-frames  at {' '.join(f'{time:.2f}' for time in found)} s")
        return "\n".join([*lines, f"seconds   {self.answer.seconds:.2f}"])


class ClipEncoder:
    """Re-encodes clips to a recipe in a temporary folder, each once; the folder goes with the object."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._folder = tempfile.TemporaryDirectory(prefix="framethrift-")
        self._known: dict[Path, EncodedVideo] = {}

    def __call__(self, clip: Path) -> EncodedVideo:
        """The re-encoded clip. Raises VideoRejected when it cannot be read, naming the reason."""
        if clip not in self._known:
            target = Path(self._folder.name) / f"{len(self._known)}.mp4"
            self._known[clip] = EncodedVideo.of(str(clip), reencode(clip, target, self._recipe))
        return self._known[clip]


def ask(clip: Path, question: str, model_folder: Path, sampling: str | None = None, device: str | None = None) -> Reply:
    """Re-encode `clip` to the model's recipe and answer `question` about it.

    `model_folder` may be a variant's folder with a single seed. `sampling` is JSON of a sampling that replaces the model's own.
    Raises VideoRejected for a bad clip, ModelFolderError for a folder that cannot answer alone, ValueError for a bad sampling.
    """
    opened = open_folder(model_folder, sampling, device)
    encoder = ClipEncoder(opened.recipe)
    ((_, answer),) = opened.answerer.answer([Ask(encoder(clip), question)], [NEW_TOKENS])
    return Reply(question, opened.folder, opened.sampling, answer)


def converse(
    clip: Path, questions: Sequence[str], model_folder: Path, sampling: str | None = None, device: str | None = None
) -> list[Reply]:
    """Answer `questions` in one conversation, each turn behind all before it; the clip is read once. Arguments and errors as
    `ask`, and ContextOverflow when the conversation grows longer than the model's context."""
    opened = open_folder(model_folder, sampling, device)
    answerer, watch = opened.answerer, opened.answerer.watch
    began = watch.now()
    encoder = ClipEncoder(opened.recipe)
    (view,) = answerer.viewer([Ask(encoder(clip), questions[0])])
    dialogue = Dialogue(answerer.model, answerer.processor, view.shown, watch)
    shown: list[dict[str, float | str]] = [{"time": round(item.time, 6), "kind": item.kind} for item in view.shown.items]
    prompt, replies = "", []
    for question in questions:
        following = prompt + END + answerer.processor.next_turn(question)
        prompt = following if prompt else answerer.processor.prompt(question, VIDEO if shown else "")
        raw = answerer.processor.tokenizer.decode(dialogue.ask(question, NEW_TOKENS).ids)
        now = watch.now()
        answer = Answer(raw, prompt, shown, view.shown.visual_tokens, [], "", now - began)
        replies.append(Reply(question, opened.folder, opened.sampling, answer))
        prompt, began = prompt + raw, now
    return replies


def open_folder(path: Path, sampling: str | None, device: str | None) -> Opened:
    """Open a model folder that can answer alone under its own sampling, or under `sampling` (JSON); errors as `ask`."""
    parts = open_parts(path, device)
    shown = parts.sampling if sampling is None else _sampling(sampling)
    return Opened(parts.folder, parts.recipe, shown, parts.loaded.answerer(shown))


@dataclass(frozen=True, eq=False)
class Parts:
    """A model folder's model, and what its manifest says of recipe and sampling."""

    folder: Path
    recipe: Recipe
    sampling: Sampling
    loaded: Loaded


def open_parts(path: Path, device: str | None) -> Parts:
    """Load a model folder whose manifest says, in `extra`, its recipe, sampling and key frames; errors as `ask`."""
    folder = resolve(path)
    manifest = verify(folder)
    if CHECKPOINT in manifest["extra"]:
        raise ModelFolderError(
            f"{folder} holds a model of another class, which answers in a study; give a VideoLM of this project"
        )
    missing = [name for name in ("recipe", "sampling", "key_frames") if name not in manifest["extra"]]
    if missing or not (folder / "config.json").is_file():
        what = f"its manifest lacks {missing}" if missing else "it holds no language model"
        raise ModelFolderError(f"{folder} ({manifest['kind']} {manifest['variant']}) cannot answer alone: {what}")
    extra = manifest["extra"]
    shown = _sampling(extra["sampling"])
    model, processor = load_model(folder, device)
    loaded = Loaded(model, processor, KeyFrames.model_validate(extra["key_frames"]), {}, seed=manifest["seed"])
    return Parts(folder, Recipe.model_validate(extra["recipe"]), shown, loaded)


def _sampling(given: str | dict) -> Sampling:
    adapter: TypeAdapter[Sampling] = TypeAdapter(Sampling)
    try:
        shown = adapter.validate_json(given) if isinstance(given, str) else adapter.validate_python(given)
    except ValidationError as error:
        raise ValueError(f"sampling {given!r} is not valid: {error}") from error
    if isinstance(shown, Chance):
        raise ValueError(f"sampling {given!r}: a bare question has no options to choose from")
    if isinstance(shown, Select) and (shown.queries != "none" or shown.selector in OF_A_STUDY):
        raise ValueError(
            f"sampling {given!r}: a single clip has no CLIP, evidence, question id or sampler network for this selector"
        )
    return shown
