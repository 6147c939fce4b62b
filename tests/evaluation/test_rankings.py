"""Index files of published selectors: what is read, and what is refused with file, line and field."""

from pathlib import Path

import pytest

from framethrift.evaluation.rankings import read_rankings
from framethrift.selectors import SelectionError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "chosen.jsonl"


def test_seconds_and_frame_numbers_keep_their_order(file: Path) -> None:
    file.write_text(
        '{"question_id": "a-1", "times": [7.5, 0, 3], "video": "more than is needed"}\n'
        "\n"
        '{"question_id": "b", "index": [300, 0, 45], "fps": 30}\n'
        '{"question_id": "c", "index": [30], "fps": 29.97}\n'
        '{"question_id": "none", "times": []}\n   \n'
    )
    ranked = read_rankings(file)
    assert {name: ranked[name] for name in ("a-1", "b", "none")} == {"a-1": (7.5, 0.0, 3.0), "b": (10.0, 0.0, 1.5), "none": ()}
    assert ranked["c"] == pytest.approx((1.001001,)) and len(ranked) == 4


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "JSON"),
        ("[1]", "object"),
        ('{"times": [1]}', "question_id: Field required"),
        ('{"question_id": 3, "times": [1]}', "question_id: .*string"),
        ('{"question_id": "", "times": [1]}', "question_id: .*at least 1 character"),
        ('{"question_id": "q"}', "expected either times or index"),
        ('{"question_id": "q", "times": [1], "index": [1], "fps": 2}', "expected either times or index"),
        ('{"question_id": "q", "index": [1]}', "index needs fps"),
        ('{"question_id": "q", "times": [1], "fps": 2}', "times are seconds and need none"),
        ('{"question_id": "q", "index": [1], "fps": 0}', "fps: .*greater than 0"),
        ('{"question_id": "q", "index": [1, 2.5], "fps": 2}', "index.1: .*integer"),
        ('{"question_id": "q", "index": [-1], "fps": 2}', "index.0: .*greater than or equal to 0"),
        ('{"question_id": "q", "times": [1, 2, -3]}', "times.2: .*greater than or equal to 0"),
        ('{"question_id": "q", "times": [NaN]}', "times.0: .*finite"),
        ('{"question_id": "q", "times": "1"}', "times: .*tuple|times: .*array"),
        ('{"question_id": "a", "times": [2]}', "question_id: 'a' has a line already"),
    ],
)
def test_a_bad_line_is_named(file: Path, line: str, said: str) -> None:
    file.write_text('{"question_id": "a", "times": [1]}\n\n' + line + "\n")
    with pytest.raises(SelectionError, match=rf"chosen\.jsonl, line 3: .*({said})"):
        read_rankings(file)


def test_bytes_that_are_no_text_are_a_bad_line(file: Path) -> None:
    file.write_bytes(b'{"question_id": "\xff", "times": [1]}\n')
    with pytest.raises(SelectionError, match=r"chosen\.jsonl, line 1: "):
        read_rankings(file)


def test_a_missing_file_is_named(file: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"chosen\.jsonl"):
        read_rankings(file)
