"""Official annotation files become one question table: look-alikes of every format, both layouts, and damaged files."""

import json
from pathlib import Path

import look_alike_files
import pytest
from look_alikes import BENCHMARKS, SOURCES, make

from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.sources import load_sources
from framethrift.published.annotations import LOADERS, AnnotationError, Entry
from framethrift.published.annotations.entry import options_in, unlettered
from framethrift.published.annotations.records import Record, records
from framethrift.published.lookup import AnnotationsMissing, Lookup
from framethrift.videos.benchmarks import question_row
from framethrift.videos.tables import QUESTIONS, read_rows, write_table

# Benchmarks whose published files say more than the hub's, or less, so that the two differ in these fields.
DIFFERENT = {
    "perceptiontest": {"end"},  # the official protocol cuts some videos
    "mvbench": {"start", "end"},  # the hub's revision has cut the clips
    "tomato": {"question_id"},  # numbered within a file, or over all
}


def _entries(root: Path, benchmark: str) -> list[Entry]:
    source = load_sources()[str(load_benchmarks()[benchmark].data)]
    return Lookup(source, root).annotations().entries(benchmark)


def test_every_published_benchmark_has_a_source_a_loader_and_a_look_alike() -> None:
    registered = {name for name, benchmark in load_benchmarks().items() if benchmark.dataset == "benchmark"}
    assert registered == set(BENCHMARKS)
    assert len(registered) == 20
    asked = {name for name, source in load_sources().items() if not source.training}
    assert asked == set(SOURCES)
    forms = {each.form for source in load_sources().values() for each in (*source.annotations, *source.copies)}
    assert forms == set(LOADERS)


@pytest.mark.parametrize("benchmark", BENCHMARKS)
def test_look_alike_gives_a_whole_question_table(benchmark: str, tmp_path: Path) -> None:
    source = load_sources()[str(load_benchmarks()[benchmark].data)]
    make(tmp_path, str(load_benchmarks()[benchmark].data))
    lookup = Lookup(source, tmp_path)
    entries = lookup.annotations().entries(benchmark)
    assert 10 <= len(entries) <= 30
    assert len({entry.question_id for entry in entries}) == len(entries)
    assert all(lookup.video(entry) is not None for entry in entries)
    rows = [question_row(entry, benchmark, source.folder, "v", lookup, cut=False) for entry in entries]
    write_table(QUESTIONS, rows, tmp_path / "tables")
    assert read_rows(QUESTIONS, tmp_path / "tables") == rows
    assert all(json.loads(row["document"]) == entry.document for row, entry in zip(rows, entries, strict=True))
    letters = load_benchmarks()[benchmark].answers == "letters" and benchmark not in ("ovo_bench", "streamingbench", "video_mmmu")
    assert not letters or all(entry.letter and entry.options[ord(entry.letter) - ord("A")] == entry.answer for entry in entries)
    open_ones = [entry for entry in entries if not entry.options]
    assert all(entry.answer in entry.answers for entry in open_ones)


@pytest.mark.parametrize("benchmark", [name for name in BENCHMARKS if load_sources()[str(load_benchmarks()[name].data)].hub])
def test_both_layouts_give_the_same_questions(benchmark: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = str(load_benchmarks()[benchmark].data)
    make(tmp_path / "data", source)
    make(tmp_path / "home", source, hub=True)
    official = _entries(tmp_path / "data", benchmark)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "home"))
    lookup = Lookup(load_sources()[source], tmp_path / "nothing")
    hub = lookup.annotations().entries(benchmark)
    assert [lookup.video(entry) for entry in hub] == [tmp_path / "home" / entry.media for entry in hub]
    fields = {"question_id", "video", "question", "answer", "options", "letter", "answers", "type", "part", "task", "until"}
    fields |= {"round", "start", "end", "media"}
    fields -= DIFFERENT.get(benchmark, set())

    def facts(entries: list[Entry]) -> list[str]:
        return sorted(str([(name, getattr(entry, name)) for name in sorted(fields)]) for entry in entries)

    assert facts(hub) == facts(official)


def test_times_of_streaming_questions(tmp_path: Path) -> None:
    make(tmp_path, "streamingbench")
    entries = {entry.question_id: entry for entry in _entries(tmp_path, "streamingbench")}
    assert {entry.part for entry in entries.values()} == {"real", "omni", "sqa", "proactive"}
    assert (entries["sample_1_real_1"].start, entries["sample_1_real_1"].until) == (0.0, 4.0)
    polls = [entry for entry in entries.values() if entry.document_id == "sample_1_proactive_0"]
    assert [(poll.round, poll.until, poll.answer) for poll in polls] == [
        *[(0, 2.0, "No"), (1, 3.0, "Yes"), (2, 4.0, "Yes"), (3, 5.0, "Yes"), (4, 6.0, "Yes"), (5, 7.0, "Yes")]
    ]
    make(tmp_path, "ovo_bench")
    found = _entries(tmp_path, "ovo_bench")
    parts = {part: [entry for entry in found if entry.part == part] for part in ("backward", "realtime", "forward")}
    assert {part: len(entries) for part, entries in parts.items()} == {"backward": 6, "realtime": 12, "forward": 9}
    assert [(entry.document_id, entry.round, entry.until, entry.answer) for entry in parts["forward"][:3]] == [
        *[("9", 0, 2.0, "0"), ("9", 1, 3.0, "1"), ("9", 2, 4.5, "2")]
    ]
    assert all(entry.until is not None for entry in found)


def test_clips_and_cuts(tmp_path: Path) -> None:
    make(tmp_path, "mvbench")
    make(tmp_path, "perceptiontest")
    clips = {entry.type: (entry.start, entry.end) for entry in _entries(tmp_path, "mvbench")}
    assert clips["action_sequence"] == (1.0, 3.5)
    assert clips["moving_count"] == (None, None)
    ends = {entry.video: entry.end for entry in _entries(tmp_path, "perceptiontest")}
    assert ends == {"clip_a": 24 / 8, "clip_b": None, "clip_c": None, "clip_d": None}


def test_video_tt_keeps_its_open_questions_apart(tmp_path: Path) -> None:
    make(tmp_path, "video_tt")
    chosen, asked = _entries(tmp_path, "video_tt"), _entries(tmp_path, "video_tt_open")
    assert {entry.task for entry in chosen} == {"videott_single_mc"} and all(entry.options for entry in chosen)
    assert {(entry.part, entry.task) for entry in asked} == {
        ("primary", "videott_no_leading_oe"),
        ("paraphrased", "videott_paraphrase_oe"),
        ("correctly_led", "videott_correctly_led_oe"),
        ("wrongly_led", "videott_wrongly_led_oe"),
    }
    assert not any(entry.options or entry.letter for entry in asked)
    folder = tmp_path / "video_tt" / "data"
    primary = folder / "test_primary_oe-00000-of-00001.parquet"
    primary.rename(folder / "test_no_leading_oe-00000-of-00001.parquet")  # as lmms-eval calls the split
    assert sorted(entry.question_id for entry in _entries(tmp_path, "video_tt_open")) == sorted(
        entry.question_id for entry in asked
    )
    with pytest.raises(AnnotationError, match=r"'test_all' is no split of questions; allowed: \['test', 'test_primary_oe'"):
        list(LOADERS["video_tt"]([folder / "test_all-00000-of-00001.parquet"], "video_tt_open"))


def test_missing_files_are_named_with_what_would_do(tmp_path: Path) -> None:
    with pytest.raises(AnnotationsMissing, match=r"NExT-QA: no annotation files in .*nextqa; needed: test\.csv; or MC/test-"):
        _entries(tmp_path, "nextqa")
    make(tmp_path, "video_mmmu")
    (tmp_path / "video_mmmu" / "adaptation_video.json").unlink()
    with pytest.raises(AnnotationsMissing, match="adaptation_video"):
        _entries(tmp_path, "video_mmmu")


@pytest.mark.parametrize(
    ("benchmark", "path", "change", "message"),
    [
        ("nextqa", "nextqa/test.csv", (",CW,", ",XX,"), r"test\.csv: row 0: field 'type' is 'XX'; allowed: "),
        ("nextqa", "nextqa/test.csv", ("a4", "a5"), r"row 0: field 'a4' is missing; fields: "),
        ("nextqa", "nextqa/test.csv", (",0,0,CW", ",7,0,CW"), r"row 0: field 'answer' is '7'; allowed: 0 to 4"),
        (
            "activitynetqa",
            "activitynet_qa/test_q.json",
            ("v_clip_a_0", "v_x"),
            r"'question_id' is 'v_x', which .*test_a\.json does not",
        ),
        ("tempcompass", "tempcompass/multi-choice.json", ('"answer": "A. red"', '"answer": "A. pink"'), "'answer' is 'A. pink'"),
        (
            "mvbench",
            "mvbench/state_change.json",
            ('"answer": "', '"answer": "un'),
            r"state_change\.json: row 0: field 'answer' is 'un",
        ),
        ("lvbench", "lvbench/video_info.meta.jsonl", ('"uid"', '"id"'), r"row 0, qa\[0\]: field 'uid' is missing"),
        (
            "video_mmmu",
            "video_mmmu/perception_video.json",
            ("dev_Art_1", "dev_Astrology_1"),
            "whose subject 'Astrology' is unknown",
        ),
        ("ovo_bench", "ovo_bench/ovo_bench_new.json", ('"gt": 0', '"gt": 9'), "field 'gt' is 9; allowed: 0 to 3"),
        (
            "streamingbench",
            "streamingbench/questions_real.json",
            ("00:00:02", "2 s"),
            "field 'time_stamp' is '2 s'; allowed: a time",
        ),
        ("scanqa", "scanqa/ScanQA_v1.0_val.json", ("[{", "{"), r"ScanQA_v1\.0_val\.json: not JSON"),
        ("mlvu", "mlvu/4_count.json", ('"count"', '"counting"'), "field 'question_type' is 'counting'; allowed"),
    ],
)
def test_malformed_rows_name_file_row_and_field(
    benchmark: str, path: str, change: tuple[str, str], message: str, tmp_path: Path
) -> None:
    make(tmp_path, str(load_benchmarks()[benchmark].data))
    text = (tmp_path / path).read_text(encoding="utf-8")
    assert change[0] in text
    (tmp_path / path).write_text(text.replace(*change), encoding="utf-8")
    with pytest.raises(AnnotationError, match=message):
        _entries(tmp_path, benchmark)


def test_damaged_and_foreign_files_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "test.parquet"
    broken.write_bytes(b"PAR1 but not really")
    with pytest.raises(AnnotationError, match=r"test\.parquet: not a parquet file"):
        list(records(broken))
    listed = tmp_path / "list.json"
    listed.write_text('{"a": 1}', encoding="utf-8")
    with pytest.raises(AnnotationError, match="must hold a list of rows, found dict"):
        list(records(listed))
    short = tmp_path / "short.csv"
    short.write_text("a,b\n1\n", encoding="utf-8")
    with pytest.raises(AnnotationError, match=r"row 0: field 'b' is missing"):
        next(records(short)).text("b")
    record = Record("f: row 1", {"n": True, "t": 1.5, "l": ["a", 2], "e": " "})
    for call in (lambda: record.number("n"), lambda: record.text("t"), lambda: record.texts("l"), lambda: record.text("e")):
        with pytest.raises(AnnotationError, match="f: row 1: field"):
            call()


def test_options_are_found_in_texts() -> None:
    assert options_in("Which?\nA. a dog\nB. a cat\nor two") == ("Which?", ("a dog", "a cat\nor two"))
    assert options_in("Which?\n(A) 1\n(B) 2") == ("Which?", ("1", "2"))
    assert options_in("A. Smith did what?\nA. ran\nB. sat") == ("A. Smith did what?", ("ran", "sat"))
    assert options_in("No options here") == ("No options here", ())
    assert unlettered(["A. x", "B) y"]) == ("x", "y")
    assert unlettered(["A. x", "C. y"]) == ("A. x", "C. y")


def test_split_options_of_streamingbench_are_joined(tmp_path: Path) -> None:
    folder = tmp_path / "streamingbench"
    look_alike_files.streamingbench(folder, False)
    path = folder / "questions_omni.json"
    clips = json.loads(path.read_text(encoding="utf-8"))
    clips[0]["questions"][0]["options"] = ["A. one", "", "B. two", "and a half", "C. three", "D. four"]
    path.write_text(json.dumps(clips), encoding="utf-8")
    first = next(entry for entry in _entries(tmp_path, "streamingbench") if entry.part == "omni")
    assert first.options == ("one", "two and a half", "three", "four")
