"""lmms-eval drives our models by its own command line, from videos of any codec, with digests that no cache can get around."""

import json
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import tiny_baselines

from framethrift.evaluation.backbones.load import folder_digest
from framethrift.evaluation.lmms_model import ChatModel, SimpleModel
from framethrift.evaluation.lmms_tasks import offline, open_tasks, run_tasks
from framethrift.files import file_digest
from framethrift.models.folder import MANIFEST

TASK = """
task: two_clips
dataset_path: json
dataset_kwargs: {{data_files: {{test: {data}}}}}
test_split: test
output_type: generate_until
doc_to_visual: !function framethrift.evaluation.tasks.mini.scoring.doc_to_visual
doc_to_text: !function framethrift.evaluation.tasks.mini.scoring.doc_to_text
doc_to_target: answer
generation_kwargs: {{max_new_tokens: 4, do_sample: false}}
process_results: !function framethrift.evaluation.tasks.mini.scoring.process_results
metric_list:
  - {{metric: accuracy, aggregation: !function framethrift.evaluation.tasks.mini.scoring.mean_score, higher_is_better: true}}
"""


def _clip(path: Path, codec: str) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=4)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(12):
            picture = np.full((48, 64, 3), 20 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> Path:  # type: ignore[no-untyped-def]
    """A folder with a task over an mp4 and a webm clip."""
    folder = tmp_path_factory.mktemp("task")
    (folder / "videos").mkdir()
    paths = [_clip(folder / "videos/a.mp4", "mpeg4"), _clip(folder / "videos/b.webm", "libvpx-vp9")]
    facts = {"question": "which way ?", "options": ["left", "right"], "answer": "left"}
    rows = [{"question_id": path.stem, "video_id": path.stem, "video": str(path), **facts} for path in paths]
    (folder / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "two_clips.yaml").write_text(TASK.format(data=json.dumps(str(folder / "docs.jsonl"))), encoding="utf-8")
    return folder


def _answers(model, folder: Path, scratch: Path, interface: str) -> dict[str, list]:  # type: ignore[no-untyped-def]
    with offline(scratch):
        results = run_tasks(model, open_tasks(folder, ["two_clips"], interface), scratch)  # type: ignore[arg-type]
    assert len(results["samples"]["two_clips"]) == 2
    return {name[1]: answer for name, answer in model.answers.items()}


def test_both_interfaces_give_the_same_answers_and_webm_is_a_video(tiny, clips, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    checkpoint = str(tiny[1].model("cope", 0))
    chat = _answers(ChatModel(checkpoint, device="cpu"), clips, tmp_path, "chat")
    simple = _answers(SimpleModel(checkpoint, device="cpu"), clips, tmp_path, "simple")
    assert [chat[number].raw for number in (0, 1)] == [simple[number].raw for number in (0, 1)]
    assert all([item["kind"] for item in answer.shown][:2] == ["I", "P"] for answer in chat.values())
    assert all("which way ?" in answer.prompt for answer in chat.values())


def test_samplings_come_as_plain_arguments(tiny, clips, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    checkpoint = str(tiny[1].model("mllm", 0))
    chosen = {"sampling": "select", "selector": "random", "budget": 2, "candidate_fps": 4, "device": "cpu"}
    one, again, other = (_answers(ChatModel(checkpoint, **chosen, seed=seed), clips, tmp_path, "chat") for seed in (0, 0, 4))
    assert [answer.shown for answer in one.values()] == [answer.shown for answer in again.values()]
    assert [answer.shown for answer in one.values()] != [answer.shown for answer in other.values()]
    assert all(len(answer.shown) == 2 for answer in one.values())
    scored = {**chosen, "selector": "top_k", "queries": "question"}
    with pytest.raises(ValueError, match="needs clip=FOLDER"):
        ChatModel(checkpoint, **scored)
    answers = _answers(ChatModel(checkpoint, **scored, clip=str(tiny[1].clip)), clips, tmp_path, "chat")
    assert all(answer.queries for answer in answers.values())
    for wrong in (
        {"sampling": "stream", "selector": "uniform"},
        {"sampling": "nothing"},
        {"selector": "oracle"},
        {"sampling": "chance"},
    ):
        with pytest.raises(ValueError, match="model arguments"):
            ChatModel(checkpoint, **wrong)


@pytest.mark.parametrize("family", ["llava_onevision", "qwen2_5_vl", "text"])
def test_baselines_are_the_same_model_with_a_family(clips, tmp_path: Path, family: str) -> None:  # type: ignore[no-untyped-def]
    folder = getattr(tiny_baselines, family)(tmp_path / family)
    arguments = {"family": family, "precision": "float32", "device": "cpu"}
    more = {} if family == "text" else {"budget": 3}
    answers = _answers(ChatModel(str(folder), **arguments, **more), clips, tmp_path, "chat")
    assert [len(answer.shown) for answer in answers.values()] == [more.get("budget", 0)] * 2


def test_digests_are_checked_and_a_cache_needs_them(tiny, clips, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    folder = tiny[1].model("cope", 0)
    right = {
        "weights_digest": file_digest(folder / MANIFEST),
        "videos": str(clips / "videos"),
        "videos_digest": folder_digest(clips / "videos"),
    }
    ChatModel(str(folder), device="cpu", **right)
    for name in ("weights_digest", "videos_digest"):
        with pytest.raises(ValueError, match=f"{name}=old: the files have {right[name]}"):
            ChatModel(str(folder), device="cpu", **{**right, name: "old"})
    monkeypatch.setattr(sys, "argv", ["lmms_eval", "--use_cache", "folder"])
    with pytest.raises(ValueError, match="use_cache needs the model arguments"):
        ChatModel(str(folder), device="cpu", weights_digest=right["weights_digest"])
    ChatModel(str(folder), device="cpu", **right)


def test_the_command_line_finds_the_plugin(tiny, clips, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    command = [sys.executable, "-m", "lmms_eval", "--model", "framethrift"]
    command += ["--model_args", f"checkpoint={tiny[1].model('cope', 0)},sampling=stream,budget=1,device=cpu"]
    command += ["--tasks", "two_clips", "--include_path", str(clips), "--output_path", str(tmp_path / "out"), "--log_samples"]
    with offline(tmp_path):
        done = subprocess.run([*command, "--batch_size", "1"], capture_output=True, text=True, check=False)
    samples = list((tmp_path / "out").rglob("*_samples_two_clips.jsonl"))
    assert samples, done.stderr[-3000:]
    rows = [json.loads(line) for line in samples[0].read_text(encoding="utf-8").splitlines()]
    model = ChatModel(str(tiny[1].model("cope", 0)), sampling="stream", budget=1, device="cpu")
    answers = _answers(model, clips, tmp_path, "chat")
    assert [row["filtered_resps"].strip() for row in rows] == [answers[number].raw.strip() for number in (0, 1)]
