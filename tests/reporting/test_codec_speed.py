"""The report's plot of the codec layer's speed."""

import json

import pytest

from framethrift.config.recipe import Recipe
from framethrift.config.sampling import Stream
from framethrift.reporting.codec_speed import MEASURED, draw_codec_speed, read_codec_speed
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.labels import sampling_label


def test_the_measured_figures_are_drawn_with_their_conditions(tmp_path):
    speed = read_codec_speed()
    assert speed is not None
    assert set(speed.rates) == {f"{size} {codec}" for size in ("360p", "720p", "1080p") for codec in ("mpeg4", "h264")}
    assert "libavcodec" in speed.conditions
    draw_codec_speed(speed, ReportFolder(tmp_path), "codec_speed")
    drawn = (tmp_path / "figures" / "codec_speed.svg").read_text()
    for words in (
        "360p mpeg4",
        "1080p h264",
        "fused, s = 30",
        "motion-vector-extractor",
        f"{speed.rates['360p mpeg4']['plain']:,.0f}",
    ):
        assert words in drawn
    draw_codec_speed(speed, ReportFolder(tmp_path / "again"), "codec_speed")
    assert (tmp_path / "again" / "figures" / "codec_speed.svg").read_text() == drawn


def test_the_measured_file_names_versions_and_no_machine():
    found = json.loads(MEASURED.read_text())
    assert found["quick"] is False and found["conditions"]["versions"]["motion-vector-extractor"]
    assert set(found["conditions"]) == {"cpu", "cores", "system", "python", "libavcodec", "versions", "threads_per_decoder"}


def test_a_missing_or_foreign_file_is_said(tmp_path):
    assert read_codec_speed(tmp_path / "none.json") is None
    for text in ("{}", "[1]", "{", '{"conditions": {"cpu": "x", "libavcodec": "1", "python": "3"}, "frames_per_second": {}}'):
        (tmp_path / "codec.json").write_text(text)
        with pytest.raises(ValueError, match=r"codec.json is not what perf/codec.py writes"):
            read_codec_speed(tmp_path / "codec.json")


def test_an_adaptive_sampling_is_told_from_a_fixed_one():
    adaptive = Stream(fusion="adaptive", energy="packet_size", budget=440)
    assert sampling_label(adaptive, Recipe()) == "1 key frame / GOP, adaptive P-frames (by packet size, 440 tokens)"
    assert sampling_label(Stream(fusion="adaptive"), Recipe()).endswith("(by vectors, the tokens of fixed fusion)")
    assert sampling_label(Stream(fusion="adaptive", delta="drop"), Recipe()) == "1 key frame / GOP"
