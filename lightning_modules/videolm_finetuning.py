"""Stage 2 of CoPE: instruction tuning of the VideoLM on the interleaved token stream (Sec. 3.3, Supp. C)."""

from functools import partial
from typing import Any

import lightning
import torch
from torch import Tensor, nn

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.digest import rule_digest
from framethrift.config.training import VideolmFinetuning
from framethrift.config.variants import BaselineVariant
from framethrift.evaluation.backbones.load import link_backbone
from framethrift.models.folder import MANIFEST, exported, verify
from framethrift.models.modelling import CopeVideoForConditionalGeneration, build_videolm
from framethrift.models.processing import CopeVideoProcessor
from framethrift.models.tokenizer import load_tokenizer
from framethrift.progress import Progress
from lightning_modules import processes
from lightning_modules.conversations import Conversations
from lightning_modules.low_rank import add_adapters, merged
from lightning_modules.run_folder import supervised_folder
from lightning_modules.schedule import adamw
from lightning_modules.sharding import clip_gradients, is_sharded, shard, whole_state
from lightning_modules.trainer import fit


class VideolmTuning(lightning.LightningModule):
    """Next-token prediction on the answers; the vision tower is frozen unless it has a learning rate of its own."""

    def __init__(self, model: CopeVideoForConditionalGeneration, settings: VideolmFinetuning, delta: bool) -> None:
        super().__init__()
        self.model = model
        self._settings, self._delta = settings, delta
        self._sums: dict[str, Tensor] = {}
        if settings.vision_learning_rate is None:
            model.vision_tower.requires_grad_(False)
        if not delta:
            model.delta_encoder.requires_grad_(False)

    def training_step(self, batch: dict[str, Tensor], batch_idx: int) -> Tensor:
        """One batch of packed conversations, or a part of one, as Conversations.batch and .parts make them."""
        if self._settings.vision_learning_rate is None and "pixel_values" in batch:
            with torch.no_grad():
                batch["image_features"] = self.model.vision_features(batch.pop("pixel_values"))
        supervised = batch.pop("supervised", None)
        output = self.model(**batch)
        answers = batch["labels"][:, 1:]
        right = (output.logits.argmax(dim=-1) == answers[answers != -100]).float()
        # The mean over processes and parts is to be the mean over the tokens of the whole batch.
        own = torch.tensor(float(len(right)), device=self.device)
        whole = processes.total(own if supervised is None else supervised.to(own))
        parts = self.trainer.accumulate_grad_batches
        weight = own * parts * processes.count() / whole
        loss = output.loss * weight
        self._log_mean(batch_idx % parts, parts, loss=loss.detach(), token_accuracy=right.mean() * weight)
        return loss

    def _log_mean(self, part: int, parts: int, **metrics: Tensor) -> None:
        """Log means over the parts of a batch, complete with the last one."""
        for name, value in metrics.items():
            self._sums[name] = value / parts + (self._sums[name] if part else 0)
            self.log(name, self._sums[name])

    def configure_model(self) -> None:
        """With several processes, split the language model over them (FSDP)."""
        if self.device_mesh is not None:
            shard(self.model, self.device_mesh["data_parallel"])

    def on_after_backward(self) -> None:
        """The parts that every process holds in full get the mean of their gradients."""
        processes.average_gradients(p for p in self.model.parameters() if p.requires_grad and not is_sharded(p))

    def configure_gradient_clipping(
        self, optimizer: Any, gradient_clip_val: float | None = None, gradient_clip_algorithm: str | None = None
    ) -> None:
        """Clip by the norm of all gradients, which torch does not compute over split and whole ones."""
        if self.device_mesh is None:
            super().configure_gradient_clipping(optimizer, gradient_clip_val, gradient_clip_algorithm)
        else:
            clip_gradients(self.model.parameters(), self._settings.gradient_clip)

    def configure_optimizers(self) -> Any:
        """AdamW with a learning rate per part."""
        model, settings = self.model, self._settings
        rates: list[tuple[nn.Module, float | None]] = [
            (model.vision_tower, settings.vision_learning_rate),
            (model.delta_encoder, (settings.delta_learning_rate or settings.learning_rate) if self._delta else None),
        ]
        special = {id(parameter) for part, _ in rates for parameter in part.parameters()}
        groups: list[dict[str, Any]] = [{"params": [p for p in model.parameters() if id(p) not in special]}]
        groups += [{"params": list(part.parameters()), "lr": rate} for part, rate in rates if rate is not None]
        return adamw(groups, settings)


def train_videolm(study: Study, layout: Layout, variant: str, seed: int, micro_batch: int = 0) -> None:
    """Fine-tune a VideoLM variant from the study's tower, tokenizer and (if it has one) pre-trained Δ-encoder, and export it.

    A published model of another class is linked, not trained: it is the MLLM of samplers.
    With `micro_batch` no process passes more conversations at a time through the model, and adds up gradients: the result is that
    of the whole batch, up to rounding.
    """
    published = study.variants[variant]
    if isinstance(published, BaselineVariant):
        digest = rule_digest(study, "videolm", variant)
        return link_backbone(published, layout.model(variant, seed), name=variant, seed=seed, settings=digest)
    models = study.models_of(variant)
    owner = study.delta_of(variant)
    tokenizer = load_tokenizer(str(layout.tokenizer))
    if (start := study.videolm(variant).start) is not None:
        verify(layout.model(start, seed))
        model = CopeVideoForConditionalGeneration.from_pretrained(layout.model(start, seed))
    else:
        model = build_videolm(models, layout.vision, tokenizer, layout.delta(owner, seed) if owner else None, seed)
    processor = CopeVideoProcessor.of(models, tokenizer)
    if study.videolm(variant).trained:
        _tune(study, layout, variant, seed, model, processor, micro_batch)
    weights = whole_state(model)
    if weights is None:
        return
    if (lora := study.training_of(variant).videolm.lora) is not None and study.videolm(variant).trained:
        weights = merged(weights, lora)
    settings_digest = rule_digest(study, "videolm", variant)
    with exported(
        layout.model(variant, seed),
        kind="videolm",
        variant=variant,
        seed=seed,
        settings=settings_digest,
        extra=study.serving(variant),
    ) as folder:
        model.save_pretrained(folder, state_dict=weights)
        processor.save_pretrained(folder)


def _tune(
    study: Study,
    layout: Layout,
    variant: str,
    seed: int,
    model: CopeVideoForConditionalGeneration,
    processor: CopeVideoProcessor,
    micro_batch: int,
) -> None:
    settings = study.training_of(variant).videolm
    conversations = Conversations(study, layout, variant, processor, seed)
    owner = study.delta_of(variant)
    inputs = [layout.tokenizer / MANIFEST, layout.vision / MANIFEST, *([layout.delta(owner, seed) / MANIFEST] if owner else [])]
    if (start := study.videolm(variant).start) is not None:
        inputs.append(layout.model(start, seed) / MANIFEST)
    for dataset in study.dataset_of(variant):
        inputs += [layout.codec(dataset) / "videos.parquet", layout.videos(dataset) / "questions.parquet"]
    checkpoints = supervised_folder(study, layout, "videolm", variant, seed, inputs)
    if settings.lora is not None:
        add_adapters(model, settings.lora, seed)
    with tracking.stage_run(layout, study, stage="videolm", name=variant, seed=seed, params=settings.model_dump()) as run:
        module = VideolmTuning(model, settings, delta=study.shows_delta(variant))
        progress = Progress(f"videolm {variant} seed{seed}", settings.steps)
        parts = processes.parts(settings.batch_size, micro_batch)
        build = conversations.batch if parts == 1 else partial(conversations.parts, number=parts)
        fit(module, build, settings, checkpoints, progress, run.log_metrics, parts=parts, ahead=True)
