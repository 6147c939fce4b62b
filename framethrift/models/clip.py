"""The frozen CLIP that scores frames against visual queries (MSJoE 1.1): an open_clip model, trained in the study or loaded."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn import functional
from transformers import AutoTokenizer, PreTrainedTokenizerBase
from transformers.image_utils import OPENAI_CLIP_MEAN, OPENAI_CLIP_STD

from framethrift.config.models import Clip
from framethrift.files import replace_file, write_json
from framethrift.models.folder import verify
from framethrift.models.tokenizer import END

if TYPE_CHECKING:  # open_clip is a third of what a process takes to start, and most cells weigh no frames
    from open_clip import CLIP

SETTINGS_FILE, WEIGHTS_FILE = "clip.json", "clip.safetensors"


def _open_clip() -> Any:
    """The package without wandb, which timm would import where it is installed: two seconds for what nothing here uses."""
    hidden = "wandb" not in sys.modules
    if hidden:
        sys.modules["wandb"] = None  # type: ignore[assignment]  # what `import` takes for "not installed"
    try:
        import open_clip
    finally:
        if hidden:
            del sys.modules["wandb"]
    return open_clip


def shape_clip(settings: Clip, vocabulary: int, end_id: int) -> "CLIP":
    """An open_clip model of the given shape, initialised by open_clip, that reads `vocabulary` tokens; `end_id` ends a text."""
    open_clip = _open_clip()
    vision = open_clip.CLIPVisionCfg(
        layers=settings.layers,
        width=settings.width,
        head_width=settings.width // settings.heads,
        patch_size=settings.patch_size,
        image_size=settings.image_size,
    )
    text = open_clip.CLIPTextCfg(
        context_length=settings.context,
        vocab_size=vocabulary,
        width=settings.text_width,
        heads=settings.heads,
        layers=settings.text_layers,
        eos_id=end_id,
        pool_type="eos",
    )
    return open_clip.CLIP(settings.embed_dim, vision_cfg=vision, text_cfg=text)


def build_clip(settings: Clip, tokenizer: PreTrainedTokenizerBase, seed: int) -> "CLIP":
    """An open_clip model of the given shape with random weights drawn from `seed`, to be trained in the study.

    It reads text through the study's own tokenizer (`clip_tokens`): CLIP's 49k-word vocabulary would outweigh a small model.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return shape_clip(settings, len(tokenizer), tokenizer.convert_tokens_to_ids(END))


def clip_tokens(tokenizer: PreTrainedTokenizerBase, texts: Sequence[str], context: int) -> Tensor:
    """Token ids (n, context) int64: the text cut to fit, <|im_end|>, padding; as CLIP's own tokenizer does with its tokens."""
    end = tokenizer.convert_tokens_to_ids(END)
    rows = [[*ids[: context - 1], end] for ids in tokenizer(list(texts), add_special_tokens=False)["input_ids"]] if texts else []
    return torch.tensor([row + [tokenizer.pad_token_id] * (context - len(row)) for row in rows], dtype=torch.int64).reshape(
        -1, context
    )


def clip_pixels(
    frames: NDArray[np.uint8] | Tensor,
    image_size: int,
    mean: Sequence[float] = OPENAI_CLIP_MEAN,
    std: Sequence[float] = OPENAI_CLIP_STD,
) -> Tensor:
    """Frames (n, H, W, 3) uint8 → (n, 3, S, S) float32 as CLIP: shorter side to S (bicubic), centre crop, its mean and deviation.

    Raises ValueError for any other shape or type.
    """
    tensor = torch.as_tensor(frames)
    if tensor.ndim != 4 or tensor.shape[-1] != 3 or tensor.dtype != torch.uint8:
        raise ValueError(f"frames must be uint8 (n, H, W, 3), found {tensor.dtype} {tuple(tensor.shape)}")
    pixels = tensor.permute(0, 3, 1, 2).float()
    height, width = pixels.shape[-2:]
    if min(height, width) != image_size:
        # Sides and corners are rounded as torchvision's Resize and CenterCrop round them.
        size = (image_size * height // min(height, width), image_size * width // min(height, width))
        pixels = functional.interpolate(pixels, size=size, mode="bicubic", antialias=True).clamp_(0, 255)
    top, left = (round((side - image_size) / 2) for side in pixels.shape[-2:])
    pixels = pixels[..., top : top + image_size, left : left + image_size] / 255
    return (pixels - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)


def save_clip(model: "CLIP", settings: Clip, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    """Write weights, shape and tokenizer of a model trained in the study; the caller writes the manifest last."""
    folder.mkdir(parents=True, exist_ok=True)
    tokenizer.save_pretrained(folder)
    weights = {name: value.contiguous() for name, value in model.state_dict().items()}
    replace_file(folder / WEIGHTS_FILE, lambda path: save_file(weights, path))
    link_clip(settings, folder)


def link_clip(settings: Clip, folder: Path) -> None:
    """Write the settings alone: all a folder needs when `settings.source` names the weights; the caller writes the manifest."""
    write_json(folder / SETTINGS_FILE, settings.model_dump())


class ClipScorer:
    """A frozen CLIP: unit embeddings of frames and texts, and their cosines. Runs on a GPU where there is one."""

    def __init__(  # type: ignore[no-untyped-def]
        self, model: "CLIP", tokenize, image_size: int, mean: Sequence[float], std: Sequence[float], noise: float = 0.0
    ) -> None:
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = model.eval().requires_grad_(False).to(self.device)
        self.logit_scale = float(model.logit_scale.exp())
        self._tokenize, self._image_size, self._mean, self._std, self._noise = tokenize, image_size, mean, std, noise

    @classmethod
    def of(cls, model: "CLIP", settings: Clip, tokenizer: PreTrainedTokenizerBase) -> "ClipScorer":
        """Scorer of a model trained in the study."""

        def tokenize(texts: Sequence[str]) -> Tensor:
            return clip_tokens(tokenizer, texts, settings.context)

        return cls(model, tokenize, settings.image_size, OPENAI_CLIP_MEAN, OPENAI_CLIP_STD, noise=settings.embedding_noise)

    @classmethod
    def load(cls, folder: Path) -> "ClipScorer":
        """Scorer of a CLIP folder; with a `source` the weights come from open_clip (`model@tag`, or `model@file`).

        Raises ModelFolderError for a damaged folder and ValueError for a source without '@'.
        """
        verify(folder)
        settings = Clip.model_validate_json((folder / SETTINGS_FILE).read_text(encoding="utf-8"))
        if settings.source is None:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            model = build_clip(settings, tokenizer, seed=0)
            model.load_state_dict(load_file(folder / WEIGHTS_FILE))
            return cls.of(model, settings, tokenizer)
        open_clip = _open_clip()
        name, separator, weights = settings.source.partition("@")
        if not separator:
            raise ValueError(f"models.clip.source: {settings.source!r} must be `model@tag` or `model@file`, e.g. ViT-L-14@openai")
        model = open_clip.create_model(name, pretrained=weights)
        facts = open_clip.get_model_preprocess_cfg(model)
        side = facts["size"] if isinstance(facts["size"], int) else facts["size"][0]
        return cls(model, open_clip.get_tokenizer(name), side, facts["mean"], facts["std"], noise=settings.embedding_noise)

    @property
    def digest(self) -> str:
        """SHA-256 over the weights' names, shapes and bytes, and any noise: what cached embeddings depend on."""
        total = hashlib.sha256(f"noise {self._noise!r}".encode() if self._noise else b"")
        for name, value in sorted(self.model.state_dict().items()):
            total.update(f"{name} {tuple(value.shape)} {value.dtype}".encode())
            total.update(value.cpu().contiguous().view(-1).view(torch.uint8).numpy())
        return total.hexdigest()

    @torch.inference_mode()
    def embed_frames(self, frames: NDArray[np.uint8], batch: int = 64) -> NDArray[np.float32]:
        """Unit embeddings (n, d) of uint8 frames (n, H, W, 3), `batch` at a time."""
        parts = [
            self.model.encode_image(
                clip_pixels(frames[start : start + batch], self._image_size, self._mean, self._std).to(self.device),
                normalize=True,
            )
            for start in range(0, len(frames), batch)
        ]
        found = torch.cat(parts).float().cpu().numpy()
        return noisy(found, frames, self._noise) if self._noise else found

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit embeddings (n, d) of texts."""
        return self.model.encode_text(self._tokenize(list(texts)).to(self.device), normalize=True).float().cpu().numpy()


def noisy(embeddings: NDArray[np.float32], frames: NDArray[np.uint8], length: float) -> NDArray[np.float32]:
    """Unit embeddings (n, d) moved by a random vector of about `length` and brought back to unit length.

    The vector is drawn from the picture's own bytes: the same frame errs in the same way wherever and whenever it is scored.
    """
    moved = np.empty_like(embeddings)
    for row, (embedding, frame) in enumerate(zip(embeddings, frames, strict=True)):
        seed = int.from_bytes(hashlib.sha256(np.ascontiguousarray(frame).tobytes()).digest()[:8], "big")
        moved[row] = embedding + length / embedding.size**0.5 * np.random.default_rng(seed).standard_normal(embedding.size)
    return moved / np.linalg.norm(moved, axis=1, keepdims=True)


def similarity(texts: NDArray[np.float32], frames: NDArray[np.floating]) -> NDArray[np.float32]:
    """Cosines (N, T) of unit embeddings (N, d) and (T, d); half-precision frame embeddings are normalised again.

    Raises ValueError when the widths disagree.
    """
    if texts.shape[1:] != frames.shape[1:]:
        raise ValueError(
            f"embeddings of texts {texts.shape} and frames {frames.shape} have different widths: from two CLIP models?"
        )
    wide = frames.astype(np.float32)
    return texts @ (wide / np.linalg.norm(wide, axis=1, keepdims=True)).T
