"""Two results folders: what moved, what did not, and what only one of them has."""

import json
import shutil
from pathlib import Path

import pytest

from framethrift.reporting.compare import ComparisonError, compare, write_comparison
from tests.reporting.conftest import Finished


def copy_of(finished: Finished, target: Path) -> Path:
    shutil.copytree(finished.layout.root / "cells", target / "cells")
    return target


def flip(path: Path, share: float) -> None:
    """Make a share of the questions wrong that were right."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    right = [row for row in rows if row["score"]]
    for row in right[: round(share * len(right))]:
        row["score"] = 0.0
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_only_the_changed_cell_moved(finished: Finished, tmp_path: Path) -> None:
    other = copy_of(finished, tmp_path / "other")
    flip(other / "cells/cope/cope_1k/seed0/mini_motion.jsonl", 0.5)
    shutil.rmtree(other / "cells/rgb/rgb_1k")
    found = compare(finished.layout.root, other)
    assert [str(item.key) for item in found.moved if item.beyond_noise] == ["cope / cope_1k / mini_motion"]
    still = [item for item in found.moved if str(item.key) != "cope / cope_1k / mini_motion"]
    assert len(still) > 10 and all(item.difference.value == 0 and item.corrected == 1 for item in still)
    assert {str(key) for key in found.only[finished.layout.root]} == {"rgb / rgb_1k / mini_motion", "rgb / rgb_1k / mini_static"}
    assert found.only[other] == [] and found.problems == []
    page = write_comparison(found, finished.layout.root, other, tmp_path / "page").read_text()
    assert f"1 of {len(found.moved)} cells moved beyond noise" in page
    assert page.index("cope / cope_1k / mini_motion") < page.index(str(still[0].key))
    assert '<script src="tables.js"></script>' in page and (tmp_path / "page" / "tables.js").is_file()
    assert (tmp_path / "page" / "tables" / "compare.csv").is_file() and (tmp_path / "page" / "style.css").is_file()


def test_a_damaged_line_is_named(finished: Finished, tmp_path: Path) -> None:
    other = copy_of(finished, tmp_path / "other")
    path = other / "cells/cope/cope_1k/seed0/mini_motion.jsonl"
    path.write_text(path.read_text()[:-20])
    assert any("is no JSON" in problem.what for problem in compare(finished.layout.root, other).problems)


def test_folders_without_cells_and_without_common_cells_are_errors(finished: Finished, tmp_path: Path) -> None:
    with pytest.raises(ComparisonError, match="nowhere: no cells"):
        compare(tmp_path / "nowhere", finished.layout.root)
    for name, kept in (("a", "cope"), ("b", "rgb")):
        shutil.copytree(finished.layout.root / "cells" / kept, tmp_path / name / "cells" / kept)
    with pytest.raises(ComparisonError, match="share no cell"):
        compare(tmp_path / "a", tmp_path / "b")
