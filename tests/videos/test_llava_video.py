import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from framethrift.config.data import Official
from framethrift.videos import QUARANTINE, QUESTIONS, VIDEOS, NoUsableVideo, build_dataset, read_rows
from framethrift.videos.llava_video import AnnotationError, read_listing
from framethrift.videos.source import write_source


def entry(video: str, *turns: str, source: str = "0_30_s_nextqa") -> dict[str, Any]:
    values = [{"from": ("human", "gpt")[k % 2], "value": ("<image>\n" if k == 0 else "") + turn} for k, turn in enumerate(turns)]
    return {"id": video, "data_source": source, "video": video, "conversations": values}


@pytest.fixture
def published(tmp_path: Path) -> Official:
    """Two subsets in the published layout: one kept below its own folder, the other extracted at the root."""
    root = tmp_path / "data"
    for seed, place in enumerate(["0_30_s_nextqa/NExTVideo/1.mp4", "0_30_s_nextqa/NExTVideo/2.mp4", "academic/Charades/3.mp4"]):
        frames = np.random.default_rng(seed).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)
        write_source(frames, root / place, 10.0)
    write(
        root / "0_30_s_nextqa" / "0_30_s_nextqa_mc_qa_processed.json",
        [
            entry("NExTVideo/1.mp4", "What?\nA. this.\nB. that.", "A. this."),
            entry("NExTVideo/2.mp4", "Who?\nA. he.\nB. she.", "B. she."),
            entry("NExTVideo/gone.mp4", "Why?\nA. so.\nB. not so.", "A. so."),
            entry("NExTVideo/1.mp4", "Then what?", "that", "And then?", "this"),
        ],
    )
    caption = entry("academic/Charades/3.mp4", "Describe it.", "A person walks.", source="0_30_s_academic_v0_1")
    (root / "0_30_s_academic_v0_1_cap_processed.jsonl").write_text(json.dumps(caption) + "\n\n")
    (root / "listing.yaml").write_text(
        "datasets:\n"
        "  - json_path: 0_30_s_nextqa/0_30_s_nextqa_mc_qa_processed.json\n    sampling_strategy: all\n"
        "  - json_path: 0_30_s_academic_v0_1_cap_processed.jsonl\n"
    )
    return Official(
        recipe="paper", listing=str(root / "listing.yaml"), folder=str(root), licence="research only", validation_share=0.0
    )


def write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


def test_conversations_become_questions_and_a_missing_video_takes_its_own_along(published: Official, tmp_path: Path) -> None:
    built = build_dataset(published, "llava", tmp_path / "study", jobs=1)
    assert (built.videos, built.questions, built.captions, built.quarantine) == (3, 5, 0, 1)
    tables = tmp_path / "study" / "videos" / "llava"
    videos = {row["video_id"]: row for row in read_rows(VIDEOS, tables)}
    assert {row["split"] for row in videos.values()} == {"train"}
    assert all((tmp_path / "study" / row["path"]).resolve().is_file() for row in videos.values())
    (lost,) = read_rows(QUARANTINE, tables)
    assert (lost["path"], lost["reason"]) == ("0_30_s_nextqa/NExTVideo/gone.mp4", "missing")
    assert "1 questions go with it" in lost["detail"]
    questions = {row["question_id"]: row for row in read_rows(QUESTIONS, tables)}
    assert all(row["video_id"] in videos for row in questions.values())
    first = questions["0_30_s_nextqa_mc_qa_processed-0000000-0"]
    assert (first["question"], first["answer"], first["type"]) == ("What?\nA. this.\nB. that.", "A. this.", "multiple_choice")
    second = questions["0_30_s_nextqa_mc_qa_processed-0000003-1"]
    assert (second["question"], second["answer"], second["video_id"]) == ("And then?", "this", first["video_id"])
    caption = questions["0_30_s_academic_v0_1_cap_processed-0000000-0"]
    assert (caption["type"], caption["benchmark"], caption["answer"]) == ("caption", "0_30_s_academic_v0_1", "A person walks.")


def test_a_share_of_the_videos_is_kept_for_validation(published: Official, tmp_path: Path) -> None:
    settings = published.model_copy(update={"validation_share": 0.999})
    build_dataset(settings, "llava", tmp_path / "study")
    tables = tmp_path / "study" / "videos" / "llava"
    assert {row["split"] for table in (VIDEOS, QUESTIONS) for row in read_rows(table, tables)} == {"validation"}


@pytest.mark.parametrize(
    ("strategy", "kept"),
    [
        ("all", [0, 1, 2, 3]),
        ("first:2", [0, 1]),
        ("end:1", [3]),
        ("first:30%", [0, 1]),
        ("end:50%", [2, 3]),
        ("first:99", [0, 1, 2, 3]),
    ],
)
def test_sampling_strategies(published: Official, strategy: str, kept: list[int]) -> None:
    listing = Path(published.listing)
    path = "0_30_s_nextqa/0_30_s_nextqa_mc_qa_processed.json"
    listing.write_text(f"datasets:\n  - {{json_path: {path}, sampling_strategy: '{strategy}'}}\n")
    assert [int(conversation.entry.split("-")[-1]) for conversation in read_listing(published)] == kept


def test_random_sampling_follows_the_seed(published: Official) -> None:
    path = "0_30_s_nextqa/0_30_s_nextqa_mc_qa_processed.json"
    Path(published.listing).write_text(f"datasets:\n  - {{json_path: {path}, sampling_strategy: 'random:2'}}\n")
    drawn = [[c.entry for c in read_listing(published.model_copy(update={"seed": seed}))] for seed in (0, 0, 1, 2, 3, 4, 5)]
    assert drawn[0] == drawn[1]
    assert all(len(entries) == 2 for entries in drawn)
    assert any(entries != drawn[0] for entries in drawn)


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (["no mapping"], "entry 0: is no mapping"),
        ([{"conversations": [1]}], "entry 0: has no 'video'"),
        ([entry("v.mp4")], "entry 0: has no 'conversations'"),
        ([entry("v.mp4", "only a question")], r"entry 0: speakers are \['human'\]"),
        ([entry("../v.mp4", "q", "a")], "must be relative to the folder"),
        ([entry("/v.mp4", "q", "a")], "must be relative to the folder"),
        ({"entries": []}, "must hold a list of entries"),
    ],
)
def test_malformed_annotations_are_named(published: Official, record: Any, message: str) -> None:
    write(Path(published.folder) / "0_30_s_nextqa" / "0_30_s_nextqa_mc_qa_processed.json", record)
    with pytest.raises(AnnotationError, match=message):
        list(read_listing(published))


def test_a_malformed_listing_is_named(published: Official, tmp_path: Path) -> None:
    listing = Path(published.listing)
    listing.write_text("datasets: nothing\n")
    with pytest.raises(AnnotationError, match="must hold a list 'datasets'"):
        list(read_listing(published))
    listing.write_text("datasets:\n  - {json_path: absent.json}\n")
    with pytest.raises(FileNotFoundError, match=r"datasets\[0\].json_path 'absent.json' is no file"):
        list(read_listing(published))
    path = "0_30_s_nextqa/0_30_s_nextqa_mc_qa_processed.json"
    listing.write_text(f"datasets:\n  - {{json_path: {path}, sampling_strategy: most}}\n")
    with pytest.raises(AnnotationError, match=r"sampling_strategy 'most' is unknown; allowed: all, first:N"):
        list(read_listing(published))
    (listing.parent / path).write_text("{not json")
    listing.write_text(f"datasets:\n  - {{json_path: {path}}}\n")
    with pytest.raises(AnnotationError, match="not JSON"):
        list(read_listing(published))


def test_a_listing_without_any_usable_video_stops(published: Official, tmp_path: Path) -> None:
    settings = published.model_copy(update={"folder": str(tmp_path / "elsewhere")})
    with pytest.raises(NoUsableVideo, match="names no usable video: 4 missing"):
        build_dataset(settings, "llava", tmp_path / "study")
