"""The benchmark registry and the check of a study's cells against it."""

from types import SimpleNamespace

import pytest

from framethrift.config.benchmarks import check_benchmarks, load_benchmarks

COPE = [
    *("perceptiontest", "nextqa", "activitynetqa", "videomme"),
    *("tempcompass", "tomato", "cvrr_es", "mvbench"),
    *("longvideobench", "lvbench", "video_tt", "video_mmmu"),
    *("scanqa", "sqa3d"),
]


def _study(
    *benchmarks: str, kinds: tuple[str, ...] = ("motion_world", "needle_world"), sources: tuple[str, ...] = ()
) -> SimpleNamespace:
    datasets = {kind: SimpleNamespace(kind=kind) for kind in kinds}
    datasets |= {source: SimpleNamespace(kind="benchmark", source=source) for source in sources}
    return SimpleNamespace(datasets=datasets, cells=[SimpleNamespace(benchmarks=list(benchmarks))])


def test_registry_holds_the_papers_and_the_miniature_benchmarks() -> None:
    known = load_benchmarks()
    assert {*COPE, "mlvu", "mini_motion", "mini_static", "mini_needle"} <= set(known)
    by_category: dict[str, int] = {}
    for name in COPE:
        by_category[known[name].category] = by_category.get(known[name].category, 0) + 1
    assert by_category == {"general": 4, "temporal": 4, "long": 4, "spatial": 2}
    assert (known["nextqa"].questions, known["nextqa"].videos) == (8564, 1000)
    assert all(known[name].task is None for name in ("scanqa", "sqa3d"))


def test_open_answers_have_no_chance_level_and_papers_no_world() -> None:
    for name, benchmark in load_benchmarks().items():
        if benchmark.answers == "open":
            assert benchmark.chance is None, name
        assert benchmark.category == "miniature" or benchmark.dataset == "benchmark", name


def test_known_benchmarks_pass() -> None:
    check_benchmarks(_study("mini_motion", "videomme", "videomme_long", sources=("videomme",)))  # type: ignore[arg-type]


def test_published_benchmark_needs_a_dataset_of_its_source() -> None:
    with pytest.raises(ValueError, match=r"cells\[0\]\.benchmarks: 'nextqa' needs .*add datasets\.nextqa: \{kind: benchmark"):
        check_benchmarks(_study("nextqa", sources=("videomme",)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"datasets\.llava_video\.source: 'llava_video' holds no benchmark; allowed: "):
        check_benchmarks(_study("mini_motion", sources=("llava_video",)))  # type: ignore[arg-type]


def test_unknown_benchmark_names_field_value_and_allowed() -> None:
    with pytest.raises(
        ValueError, match=r"cells\[0\]\.benchmarks: 'mini_moton' is not a registered benchmark; allowed: .*mini_motion"
    ):
        check_benchmarks(_study("mini_moton"))  # type: ignore[arg-type]


def test_miniature_benchmark_needs_its_world() -> None:
    with pytest.raises(ValueError, match="'mini_needle' asks about a needle_world, and the study has none"):
        check_benchmarks(_study("mini_needle", kinds=("motion_world",)))  # type: ignore[arg-type]
