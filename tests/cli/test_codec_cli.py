"""`framethrift codec verify` on files with any name: what it prints, and its exit status."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from framethrift.cli.app import app
from framethrift.codec import Recipe, encode_frames, warp


def run(*arguments):
    """The command's result, with its output."""
    return CliRunner().invoke(app, ["codec", *map(str, arguments)])


@pytest.fixture
def clip(tmp_path):
    """A pan of 3 pixels a frame, in GOPs of 8."""
    world = np.random.default_rng(0).integers(40, 200, (12, 40, 3)).repeat(4, 0).repeat(4, 1).astype(np.uint8)
    encode_frames((world[:, 3 * k : 3 * k + 64] for k in range(20)), tmp_path / "clip.mp4", Recipe(gop=8, window=4))
    return tmp_path / "clip.mp4"


@pytest.mark.parametrize(
    "name", ["12:30.mp4", "-leading.mp4", 'it\'s "quoted".mp4', "Ünïcödé 视频.mp4", "two  spaces .mp4", "%d.mp4"]
)
def test_any_name_will_do(clip, name, monkeypatch):
    monkeypatch.chdir(clip.parent)
    clip.rename(name)
    found = run("verify", "--s", "4", "--json", "--", name)
    assert found.exit_code == 0, found.output
    (facts,) = json.loads(found.stdout)["files"]
    assert facts["file"] == name
    assert (facts["gops"], facts["windows"], facts["mismatching_pixels"]) == (3, 2, 0)
    assert facts["gain"] == pytest.approx(1 - facts["mean_residual"] / facts["mean_difference"])
    assert facts["gain"] > 0.5


def test_the_table_names_windows_wrong_pixels_and_the_gain(clip):
    found = run("verify", "--s", "4", clip)
    assert found.exit_code == 0
    assert f"{clip}\n  checked   2 windows of 4 frames in 3 GOPs\n  wrong     0 pixels\n  gain of τ " in found.stdout
    assert "choose a smaller --s" in run("verify", clip).stdout


def test_a_wrong_pixel_is_status_one_even_beside_a_refused_file(clip, tmp_path, monkeypatch):
    def off_by_one(reference, motion):
        frame = warp(reference, motion).copy()
        frame[0, :5] ^= 1
        return frame

    monkeypatch.setattr("framethrift.codec.verify.warp", off_by_one)
    found = run("verify", "--s", "4", tmp_path / "none.mp4", clip)
    assert found.exit_code == 1
    assert "refused   missing: there is no such file" in found.stdout
    assert "wrong     10 pixels" in found.stdout


def test_a_refused_file_is_status_two_with_its_reason(clip, tmp_path):
    (tmp_path / "text.mp4").write_text("no video\n" * 99)
    found = run("verify", "--s", "4", "--json", tmp_path / "text.mp4", clip)
    assert found.exit_code == 2
    refused, checked = json.loads(found.stdout)["files"]
    assert refused["refused"] == "unreadable" and "not a readable video file" in refused["detail"]
    assert checked["mismatching_pixels"] == 0


def test_a_file_without_a_window_has_no_gain_in_json(clip):
    (facts,) = json.loads(run("verify", "--json", clip).stdout)["files"]
    assert (facts["windows"], facts["gain"], facts["mean_residual"]) == (0, None, None)


def test_the_step_asks_for_its_dataset_and_verify_for_a_file():
    assert run().exit_code == 2 and "--dataset" in run().output
    assert run("verify").exit_code == 2
    assert run("verify", "--s", "0", "a.mp4").exit_code == 2
