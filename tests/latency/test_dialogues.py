"""Example conversations: who is asked what, what a later turn costs, and the file they are written to."""

import json

import pytest
import torch

from framethrift.config.cells import Dialogues
from framethrift.evaluation import decoding
from framethrift.evaluation.dialogue import Dialogue
from framethrift.evaluation.loading import load_variant
from framethrift.evaluation.questions import NoQuestions, load_asked
from framethrift.evaluation.recorded import Recording
from framethrift.evaluation.shown import Ask
from framethrift.files import file_digest
from framethrift.latency.dialogues import conversations, record_dialogues
from framethrift.models.folder import MANIFEST

TALK = Dialogues(variant="cope", sampling="cope", benchmark="mini_motion", videos=2, turns=2)


@pytest.fixture(scope="module")
def recorded(tiny):  # type: ignore[no-untyped-def]
    """(study, layout, the recording) of two conversations."""
    from framethrift.tracking import runs

    study, layout = tiny
    study = study.model_copy(update={"dialogues": [TALK]})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "_push", lambda layout: None)
        record_dialogues(study, layout, "cope", "cope", 0)
    return study, layout, Recording.model_validate_json(layout.dialogue("cope", "cope", 0).read_text(encoding="utf-8"))


def test_the_file_says_what_was_asked_shown_and_answered(recorded) -> None:  # type: ignore[no-untyped-def]
    study, layout, found = recorded
    assert (found.variant, found.sampling, found.seed, found.benchmark) == ("cope", "cope", 0, "mini_motion")
    assert found.digests["model"] == file_digest(layout.model("cope", 0) / MANIFEST)
    assert found.digests["questions/motion"] == file_digest(layout.videos("motion") / "questions.parquet")
    assert found.machine["device"] == "cpu" and found.machine["torch"] == torch.__version__
    asked = load_asked(study, layout, "mini_motion")
    assert [video.video_id for video in found.videos] == sorted(asked.videos)[:2]
    for video in found.videos:
        own = [question for question in asked.questions if question.video_id == video.video_id][:2]
        assert [(turn.question_id, turn.question, turn.answer) for turn in video.turns] == [
            (question.question_id, question.question, question.answer) for question in own
        ]
        kinds = [item.kind for item in video.shown]
        assert video.visual_tokens == 20 * kinds.count("I") + 6 * kinds.count("P") > 0
        assert [item.time for item in video.shown] == sorted(item.time for item in video.shown)
        for turn in video.turns:
            assert 0 < turn.ttft_s <= turn.seconds
            assert turn.score == float(turn.parsed == turn.answer)
    assert str(layout.root) not in layout.dialogue("cope", "cope", 0).read_text(encoding="utf-8")


def test_a_later_turn_reads_its_own_question_only(recorded) -> None:  # type: ignore[no-untyped-def]
    for video in recorded[2].videos:
        first, second = video.turns
        assert first.read_tokens > video.visual_tokens > second.read_tokens


def test_the_first_answer_is_that_of_the_question_alone(recorded) -> None:  # type: ignore[no-untyped-def]
    study, layout, found = recorded
    loaded, asked = load_variant(study, layout, "cope", 0), load_asked(study, layout, "mini_motion")
    answerer = loaded.answerer(study.samplings["cope"])
    video = found.videos[0]
    (view,) = answerer.viewer([Ask(asked.videos[video.video_id], video.turns[0].question)])
    dialogue = Dialogue(loaded.model, loaded.processor, view.shown, answerer.watch)
    began = answerer.watch.now()
    turn = dialogue.ask(video.turns[0].question, 3)
    alone = view.shown.conversation(loaded.processor, [video.turns[0].question])
    assert [[turn.ids]] == decoding.decode(loaded.model, loaded.processor.tokenizer, [alone], 3)
    assert turn.read == alone.length and began < turn.first <= answerer.watch.now()
    # Cut off after three tokens, the last of them is read with the next question; ended by itself, nothing is left over.
    following = dialogue.ask("And now?", 3)
    assert following.read == len(loaded.processor.next_turn_ids("And now?")) + (len(turn.ids) == 3)


def test_videos_without_enough_questions_are_passed_over(tiny) -> None:  # type: ignore[no-untyped-def]
    study, layout = tiny
    asked = load_asked(study, layout, "mini_motion")
    counts = {video: sum(question.video_id == video for question in asked.questions) for video in asked.videos}
    most = max(counts.values())
    chosen = conversations(asked, TALK.model_copy(update={"videos": 99, "turns": most}))
    assert [questions[0].video_id for questions in chosen] == [video for video in sorted(counts) if counts[video] == most]
    assert all(len(questions) == most for questions in chosen)
    with pytest.raises(NoQuestions, match=f"no video of 'mini_motion' has {most + 1} questions .* the most are {most}"):
        conversations(asked, TALK.model_copy(update={"turns": most + 1}))


def test_a_conversation_that_the_study_does_not_hold_is_an_error(tiny, recorded) -> None:  # type: ignore[no-untyped-def]
    study, layout, _ = recorded
    with pytest.raises(KeyError, match=r"holds no conversation with 'mllm' under 'cope'; it holds \[\('cope', 'cope'\)\]"):
        record_dialogues(study, layout, "mllm", "cope", 0)
    assert json.loads(layout.dialogue("cope", "cope", 0).read_text(encoding="utf-8"))["seed"] == 0
