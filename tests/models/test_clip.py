"""CLIP: the open_clip model on the study's tokenizer, its folder, the scorer and the cached embeddings."""

import numpy as np
import open_clip
import pytest
import torch
from PIL import Image
from torchvision import transforms

from framethrift.codec import encode_frames
from framethrift.config import Layout
from framethrift.config.models import Clip
from framethrift.config.recipe import Recipe
from framethrift.files import file_digest
from framethrift.models import clip_cache
from framethrift.models.clip import ClipScorer, build_clip, clip_pixels, clip_tokens, link_clip, save_clip, similarity
from framethrift.models.clip_cache import FrameEmbeddings
from framethrift.models.folder import ModelFolderError, write_manifest
from framethrift.models.tokenizer import END, PAD

SETTINGS = Clip(embed_dim=16, image_size=32, patch_size=8, width=32, layers=1, heads=2, text_width=32, text_layers=1, context=8)


def frames(count=3, height=32, width=32, seed=0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, height, width, 3)).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tokenizer, tmp_path_factory):
    target = tmp_path_factory.mktemp("clip") / "clip"
    save_clip(build_clip(SETTINGS, tokenizer, seed=0), SETTINGS, tokenizer, target)
    write_manifest(target, kind="clip", variant="clip", seed=0, settings="test")
    return target


def test_it_is_an_open_clip_model_that_depends_on_its_seed_only(tokenizer):
    torch.manual_seed(7)
    first = build_clip(SETTINGS, tokenizer, seed=0)
    torch.manual_seed(8)
    again, other = build_clip(SETTINGS, tokenizer, seed=0), build_clip(SETTINGS, tokenizer, seed=1)
    assert isinstance(first, open_clip.CLIP)
    weights = [model.visual.conv1.weight for model in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_tokens_end_with_the_end_token_and_are_cut_to_fit(tokenizer):
    end, pad = (tokenizer.convert_tokens_to_ids(token) for token in (END, PAD))
    short, long, empty = clip_tokens(tokenizer, ["red", "red square move left right up down fast slow yes", ""], 8)
    assert short.tolist() == [*tokenizer("red")["input_ids"], end] + [pad] * (7 - len(tokenizer("red")["input_ids"]))
    assert len(long) == 8 and long[-1] == end
    assert empty.tolist() == [end] + [pad] * 7
    assert clip_tokens(tokenizer, [], 8).shape == (0, 8)


def test_padding_does_not_change_a_text(folder):
    scorer = ClipScorer.load(folder)
    alone, beside = scorer.embed_texts(["red"])[0], scorer.embed_texts(["red", "the red square move left"])[0]
    np.testing.assert_allclose(alone, beside, atol=1e-6)


@pytest.mark.parametrize(("height", "width"), [(32, 32), (48, 64), (100, 40)])
def test_pixels_are_those_of_clips_own_preprocessing(height, width):
    # Smooth pictures: interpolation on tensors and on PIL images differs on noise.
    ramp = np.linspace(0, 255, height)[:, None, None] * np.linspace(0.3, 1, width)[None, :, None] * np.array([1.0, 0.6, 0.2])
    picture = ramp.astype(np.uint8)
    theirs = transforms.Compose(
        [
            transforms.Resize(32, interpolation=transforms.InterpolationMode.BICUBIC),
            transforms.CenterCrop(32),
            transforms.ToTensor(),
            transforms.Normalize(open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD),
        ]
    )(Image.fromarray(picture))
    torch.testing.assert_close(clip_pixels(picture[None], 32)[0], theirs, atol=0.02, rtol=0)


def test_pixels_refuse_other_arrays():
    with pytest.raises(ValueError, match="uint8"):
        clip_pixels(np.zeros((2, 3, 32, 32), np.float32), 32)


def test_a_folder_gives_the_same_embeddings_back(folder, tokenizer):
    model = build_clip(SETTINGS, tokenizer, seed=0)
    direct, loaded = ClipScorer.of(model, SETTINGS, tokenizer), ClipScorer.load(folder)
    np.testing.assert_array_equal(direct.embed_frames(frames()), loaded.embed_frames(frames()))
    np.testing.assert_array_equal(direct.embed_texts(["red square"]), loaded.embed_texts(["red square"]))
    assert direct.digest == loaded.digest
    assert loaded.logit_scale == pytest.approx(1 / 0.07)


def test_embeddings_are_unit_vectors_whatever_the_batch(folder):
    scorer = ClipScorer.load(folder)
    whole, parts = scorer.embed_frames(frames(7)), scorer.embed_frames(frames(7), batch=2)
    np.testing.assert_allclose(whole, parts, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(whole, axis=1), 1, atol=1e-6)


def test_similarity_is_the_cosine_also_from_half_precision(folder):
    scorer = ClipScorer.load(folder)
    texts, pictures = scorer.embed_texts(["red", "green disc"]), scorer.embed_frames(frames(5))
    expected = torch.nn.functional.cosine_similarity(torch.tensor(texts)[:, None], torch.tensor(pictures)[None], dim=-1)
    np.testing.assert_allclose(similarity(texts, pictures), expected, atol=1e-6)
    np.testing.assert_allclose(similarity(texts, pictures.astype(np.float16)), expected, atol=2e-3)
    with pytest.raises(ValueError, match="different widths"):
        similarity(texts, pictures[:, :4])


def test_a_damaged_folder_is_refused(folder, tmp_path):
    with pytest.raises(ModelFolderError):
        ClipScorer.load(tmp_path)


def test_a_ready_made_model_comes_from_open_clip(tmp_path):
    """RN50 would need weights; a file of them stands for the download."""
    model = open_clip.create_model("ViT-S-32-alt", pretrained=None)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    link_clip(Clip(source=f"ViT-S-32-alt@{tmp_path / 'weights.pt'}"), tmp_path / "clip")
    write_manifest(tmp_path / "clip", kind="clip", variant="clip", seed=0, settings="test")
    scorer = ClipScorer.load(tmp_path / "clip")
    expected = model.eval().encode_text(open_clip.get_tokenizer("ViT-S-32-alt")(["a dog"]), normalize=True)
    np.testing.assert_allclose(scorer.embed_texts(["a dog"]), expected.detach().numpy(), atol=1e-5)
    assert scorer.embed_frames(frames(1, 60, 80)).shape == (1, expected.shape[1])


def test_a_source_without_weights_is_named(tmp_path):
    link_clip(Clip(source="ViT-L-14"), tmp_path)
    write_manifest(tmp_path, kind="clip", variant="clip", seed=0, settings="test")
    with pytest.raises(ValueError, match=r"'ViT-L-14' must be `model@tag`"):
        ClipScorer.load(tmp_path)


@pytest.fixture
def cached(folder, tmp_path):
    """Embeddings of a dataset with one encoded video, and how often its frames were read."""
    layout = Layout(tmp_path / "results" / "tiny")
    layout.codec("needle").mkdir(parents=True)
    encode_frames(list(frames(20)), layout.codec("needle") / "a.mp4", Recipe(fps=1, gop=8, window=1, width=32, height=32))
    return FrameEmbeddings(ClipScorer.load(folder), layout, "needle", 1.0), layout.root / "clip" / "needle" / "a.npz"


@pytest.fixture
def reads(monkeypatch):
    counted = []
    original = clip_cache.read_frames

    def read(path, times):
        counted.append(len(times))
        return original(path, times)

    monkeypatch.setattr(clip_cache, "read_frames", read)
    return counted


def test_embeddings_are_computed_once_and_kept_in_half_precision(cached, reads):
    store, entry = cached
    times, embeddings = store.get("a", "codec/needle/a.mp4", "digest")
    assert times.tolist() == list(range(20)) and embeddings.dtype == np.float16 and embeddings.shape == (20, 16)
    written = file_digest(entry)
    again = store.get("a", "codec/needle/a.mp4", "digest")
    np.testing.assert_array_equal(again[1], embeddings)
    assert reads == [20] and file_digest(entry) == written
    assert [path.name for path in entry.parent.iterdir()] == ["a.npz"]


def test_another_video_or_a_damaged_entry_is_computed_anew(cached, reads):
    store, entry = cached
    store.get("a", "codec/needle/a.mp4", "digest")
    store.get("a", "codec/needle/a.mp4", "another digest")
    for damage in (entry.read_bytes()[:-40], entry.read_bytes()[:300] + b"\0" * 60 + entry.read_bytes()[360:], b""):
        entry.write_bytes(damage)
        store.get("a", "codec/needle/a.mp4", "another digest")
    assert reads == [20] * 5


def test_long_videos_are_read_in_pieces(cached, reads, monkeypatch):
    monkeypatch.setattr(clip_cache, "CHUNK", 8)
    cached[0].get("a", "codec/needle/a.mp4", "digest")
    assert reads == [8, 8, 4]


def test_noise_belongs_to_the_picture_and_to_the_digest(tokenizer):
    model = build_clip(SETTINGS, tokenizer, seed=0)
    clean, loud = (
        ClipScorer.of(model, SETTINGS.model_copy(update={"embedding_noise": level}), tokenizer) for level in (0.0, 2.0)
    )
    pictures = frames(6)
    found, moved = clean.embed_frames(pictures), loud.embed_frames(pictures)
    np.testing.assert_allclose(np.linalg.norm(moved, axis=1), 1, atol=1e-5)
    # A noise vector twice as long as the embedding leaves a cosine of about 1 / sqrt(5) on average.
    assert 0.1 < np.mean((found * moved).sum(axis=1)) < 0.8
    np.testing.assert_allclose(loud.embed_frames(pictures[3:4]), moved[3:4], atol=1e-5)
    np.testing.assert_allclose(loud.embed_frames(pictures[::-1].copy()), moved[::-1], atol=1e-5)
    assert clean.digest != loud.digest
    np.testing.assert_array_equal(clean.embed_texts(["red"]), loud.embed_texts(["red"]))
