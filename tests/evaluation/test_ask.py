"""A question about one clip, from a model folder alone."""

import shutil
from pathlib import Path

import pytest
import torch

from framethrift.codec import VideoRejected
from framethrift.evaluation.ask import NEW_TOKENS, ClipEncoder, ask, converse, open_folder
from framethrift.evaluation.decoding import video_inputs
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import load_asked
from framethrift.evaluation.shown import Ask
from framethrift.models.folder import ModelFolderError, write_manifest

QUESTION = "which way did the red object move ?"


@pytest.fixture(scope="module")
def clip(tiny) -> Path:  # type: ignore[no-untyped-def]
    return sorted((tiny[1].videos("motion") / "source" / "test").iterdir())[0]


def test_the_answer_is_the_evaluations(tiny, clip: Path) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    reply = ask(clip, QUESTION, layout.root / "models" / "cope", device="cpu")
    video = load_asked(study, layout, "mini_motion").videos[clip.stem]
    answerer = load_variant(study, layout, "cope", 0, "cpu").answerer(study.samplings["cope"])
    ((_, answer),) = answerer.answer([Ask(video, QUESTION)], [64])
    assert (reply.answer.raw, reply.answer.shown) == (answer.raw, answer.shown)
    text = reply.describe()
    assert "2 I-frames and 2 P-frames, 52 visual tokens" in text and "P-frames  at 0.16 0.48 s" in text


def test_another_sampling(tiny, clip: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tiny[1].model("cope", 0)
    assert ask(clip, QUESTION, folder, '{"kind": "stream", "delta": "drop"}', "cpu").answer.visual_tokens == 40
    blind = ask(clip, QUESTION, folder, '{"kind": "blind"}', "cpu")
    assert blind.answer.shown == [] and "shown     nothing, 0 visual tokens" in blind.describe()
    selected = ask(clip, QUESTION, folder, '{"kind": "select", "frames": 2, "candidate_fps": 10}', "cpu")
    assert [item["kind"] for item in selected.answer.shown] == ["I", "I"]


@pytest.mark.parametrize(
    ("sampling", "complaint"),
    [
        ('{"kind": "stream", "delta": "kept"}', "delta"),
        ('{"kind": "stream", "delta": "swap"}', "second video"),
        ('{"kind": "select", "selector": "oracle"}', "evidence"),
        ('{"kind": "select", "selector": "top_k", "queries": "question"}', "no CLIP"),
        ("not json", "not valid"),
    ],
)
def test_a_sampling_that_one_clip_cannot_be_shown_in(tiny, clip: Path, sampling: str, complaint: str) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=complaint):
        ask(clip, QUESTION, tiny[1].model("cope", 0), sampling, "cpu")


def test_bad_clips_and_folders_are_named(tiny, clip: Path, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    layout = tiny[1]
    folder = layout.model("cope", 0)
    (tmp_path / "empty.mp4").write_bytes(b"")
    with pytest.raises(VideoRejected, match=r"empty\.mp4"):
        ask(tmp_path / "empty.mp4", QUESTION, folder, device="cpu")
    with pytest.raises(ModelFolderError, match="does not exist"):
        ask(clip, QUESTION, layout.root / "models" / "other", device="cpu")
    with pytest.raises(ModelFolderError, match=r"sampler sampler.*holds no language model"):
        ask(clip, QUESTION, layout.model("sampler", 0), device="cpu")
    shutil.copytree(folder, tmp_path / "bare")
    (tmp_path / "bare" / "framethrift.json").unlink()
    write_manifest(tmp_path / "bare", kind="videolm", variant="bare", seed=0, settings="test", extra={"recipe": {}})
    with pytest.raises(ModelFolderError, match=r"videolm bare.*lacks \['sampling', 'key_frames'\]"):
        ask(clip, QUESTION, tmp_path / "bare", device="cpu")


def test_a_conversation_reuses_what_was_read(tiny, clip: Path) -> None:  # type: ignore[no-untyped-def]
    folder = tiny[1].model("cope", 0)
    questions = [QUESTION, "how fast ?", "what colour is it ?"]
    replies = converse(clip, questions, folder, device="cpu")
    assert replies[0].answer.raw == ask(clip, QUESTION, folder, device="cpu").answer.raw
    opened = open_folder(folder, None, "cpu")
    model, processor = opened.answerer.model, opened.answerer.processor
    encoder = ClipEncoder(opened.recipe)
    (view,) = opened.answerer.viewer([Ask(encoder(clip), QUESTION)])
    conversation = view.shown.conversation(processor, [QUESTION])
    read = [*conversation.prefix, *conversation.questions[0]]
    for question, reply in zip(questions, replies, strict=True):
        if question != QUESTION:
            read += processor.next_turn_ids(question)
        answer: list[int] = []
        while len(answer) < NEW_TOKENS:  # everything is read again for every token
            logits = model(input_ids=torch.tensor([[*read, *answer]]), **video_inputs([conversation])).logits[0, -1]
            if int(logits.argmax()) == processor.tokenizer.eos_token_id:
                break
            answer.append(int(logits.argmax()))
        assert reply.answer.raw == processor.tokenizer.decode(answer)
        read += answer
        text = processor.tokenizer.decode(read).replace(view.shown.stream, "<|video|>")
        assert reply.answer.prompt + reply.answer.raw == text
