"""Image-caption pre-training of the VideoLM's SigLIP tower and MSJoE's CLIP, and the study's tokenizer."""

from collections.abc import Callable
from typing import Any

import lightning
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from torch import Tensor, nn
from transformers import SiglipModel

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.digest import rule_digest
from framethrift.config.training import ContrastivePretraining
from framethrift.models.clip import build_clip, clip_pixels, clip_tokens, link_clip, save_clip
from framethrift.models.folder import MANIFEST, exported
from framethrift.models.tokenizer import build_tokenizer, load_tokenizer
from framethrift.models.vision import CAPTION_TOKENS, build_siglip, preprocess
from framethrift.progress import Progress
from lightning_modules.captions import CaptionedFrames, study_texts
from lightning_modules.run_folder import supervised_folder
from lightning_modules.schedule import adamw
from lightning_modules.trainer import fit

SEED = 0  # towers and tokenizer are shared by all seeds of a study, as the published ones are


class ContrastivePretrainer(lightning.LightningModule):
    """Pulls a frame and its caption together, with open_clip's sigmoid (SigLIP) or softmax (CLIP) loss.

    `compare(model, pixels, tokens)` gives the keyword arguments of `loss`.
    """

    def __init__(
        self, model: nn.Module, compare: Callable[..., dict[str, Any]], loss: nn.Module, settings: ContrastivePretraining
    ) -> None:
        super().__init__()
        self.model = model
        self._compare, self._loss, self._settings = compare, loss, settings

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        """One batch of frames (B, 3, S, S) and caption tokens (B, L)."""
        arguments = self._compare(self.model, *batch)
        loss = self._loss(**arguments)
        logits = arguments["image_features"] @ arguments["text_features"].T
        self.log("loss", loss)
        self.log("retrieved", (logits.argmax(dim=1) == torch.arange(len(logits), device=logits.device)).float().mean())
        return loss

    def configure_optimizers(self) -> Any:
        """AdamW, warm-up, cosine."""
        return adamw([{"params": self.model.parameters()}], self._settings)


def train_tokenizer(study: Study, layout: Layout) -> None:
    """Train the tokenizer on the study's questions, answers and captions, or fetch that of its ready-made VideoLM."""
    settings = study.models.language
    tokenizer = (
        load_tokenizer(settings.source) if settings.source else build_tokenizer(study_texts(study, layout), settings.vocabulary)
    )
    with exported(
        layout.tokenizer, kind="tokenizer", variant="tokenizer", seed=SEED, settings=rule_digest(study, "tokenizer")
    ) as folder:
        tokenizer.save_pretrained(folder)


def train_vision(study: Study, layout: Layout) -> None:
    """Train the SigLIP that the VideoLM's tower is cut from, or load it ready-made; exported with `save_pretrained`."""
    settings, training = study.models.vision, study.training.vision
    if settings.source:
        model = SiglipModel.from_pretrained(settings.source, use_safetensors=True)
    else:
        tokenizer = load_tokenizer(str(layout.tokenizer))
        model = build_siglip(settings, len(tokenizer), SEED)
        frames = CaptionedFrames(layout, training, settings.image_size, SEED)
        texts = tokenizer(
            list(frames.texts),
            padding=True,
            max_length=CAPTION_TOKENS,
            truncation=True,
            padding_side="right",
            return_tensors="pt",
        )
        module = ContrastivePretrainer(model, _siglip_features, SigLipLoss(), training)
        _train(
            study,
            layout,
            "vision",
            module,
            training,
            _batches(frames, lambda f: preprocess(f, settings.image_size), texts.input_ids),
        )
    with exported(layout.vision, kind="vision", variant="vision", seed=SEED, settings=rule_digest(study, "vision")) as folder:
        model.save_pretrained(folder)


def train_clip(study: Study, layout: Layout) -> None:
    """Train the open_clip model that scores frames, or point to it where it is loaded ready-made."""
    settings, training = study.models.clip, study.training.clip
    tokenizer = load_tokenizer(str(layout.tokenizer))
    if settings.source is None:
        model = build_clip(settings, tokenizer, SEED)
        frames = CaptionedFrames(layout, training, settings.image_size, SEED)
        texts = clip_tokens(tokenizer, list(frames.texts), settings.context)
        module = ContrastivePretrainer(model, _clip_features, ClipLoss(), training)
        _train(study, layout, "clip", module, training, _batches(frames, lambda f: clip_pixels(f, settings.image_size), texts))
    with exported(layout.clip, kind="clip", variant="clip", seed=SEED, settings=rule_digest(study, "clip")) as folder:
        if settings.source is None:
            save_clip(model, settings, tokenizer, folder)
        else:
            link_clip(settings, folder)


def _siglip_features(model: SiglipModel, pixels: Tensor, tokens: Tensor) -> dict[str, Any]:
    output = model(input_ids=tokens, pixel_values=pixels)
    return {
        "image_features": output.image_embeds,
        "text_features": output.text_embeds,
        "logit_scale": model.logit_scale.exp(),
        "logit_bias": model.logit_bias,
    }


def _clip_features(model: nn.Module, pixels: Tensor, tokens: Tensor) -> dict[str, Any]:
    image, text, scale = model(pixels, tokens)
    return {"image_features": image, "text_features": text, "logit_scale": scale}


def _batches(frames: CaptionedFrames, prepare: Callable[[Any], Tensor], texts: Tensor) -> Callable[[int], tuple[Tensor, Tensor]]:
    def build(step: int) -> tuple[Tensor, Tensor]:
        pixels, chosen = frames.draw(step)
        return prepare(pixels), texts[torch.from_numpy(chosen)]

    return build


def _train(
    study: Study,
    layout: Layout,
    stage: str,
    module: ContrastivePretrainer,
    settings: ContrastivePretraining,
    batches: Callable[[int], tuple[Tensor, Tensor]],
) -> None:
    inputs = [layout.tokenizer / MANIFEST, *(layout.videos(name) / "captions.parquet" for name in settings.datasets)]
    checkpoints = supervised_folder(study, layout, stage, stage, SEED, inputs)
    with tracking.stage_run(layout, study, stage=stage, name=stage, seed=SEED, params=settings.model_dump()) as run:
        fit(module, batches, settings, checkpoints, Progress(stage, settings.steps), run.log_metrics, ahead=True)
