"""Missing weights are named all at once, before anything is trained."""

import json
from pathlib import Path

import pytest

from framethrift.config import Layout, Study, load_study
from framethrift.models.weights import WeightsMissing, check_weights

STUDIES = Path(__file__).parents[2] / "config/studies"
BASELINES = ("llava_ov", "qwen2_5_vl")


@pytest.fixture
def paper() -> Study:
    return load_study(STUDIES / "paper.yaml")


def test_every_missing_part_is_named(paper: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    layout = Layout(tmp_path / "results/paper")
    with pytest.raises(WeightsMissing) as error:
        check_weights(paper, layout)
    baselines = [f"variants.{name}.source" for name in BASELINES]
    for field in ("models.vision.source", "models.language.source", "models.clip.source", *baselines):
        assert field in str(error.value)
    assert not layout.weights.exists()


def test_local_folders_and_files_are_found(paper: Study, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    (folder / "model.safetensors").write_bytes(b"")
    (tmp_path / "clip.pt").write_bytes(b"")
    overrides = [
        f"models.vision.source={folder}",
        f"models.language.source={folder}",
        f"models.clip.source=ViT-L-14@{tmp_path}/clip.pt",
        *(f"variants.{name}.source={folder}" for name in BASELINES),
    ]
    layout = Layout(tmp_path / "results/paper")
    check_weights(load_study(STUDIES / "paper.yaml", overrides), layout)
    found = json.loads(layout.weights.read_text())
    assert found == {
        "models.vision.source": str(folder),
        "models.language.source": str(folder),
        "models.clip.source": f"{tmp_path}/clip.pt",
        **{f"variants.{name}.source": str(folder) for name in BASELINES},
    }


def test_a_folder_without_weights_is_no_model(paper: Study, tmp_path: Path) -> None:
    (tmp_path / "model").mkdir()
    study = load_study(STUDIES / "paper.yaml", [f"models.language.source={tmp_path}/model"])
    with pytest.raises(WeightsMissing, match=r"models\.language\.source.*no config\.json with safetensors"):
        check_weights(study, Layout(tmp_path / "results/paper"))
