"""How each stage is trained."""

from typing import Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section


class Optimisation(Section):
    """AdamW with linear warm-up and cosine decay, shared by every supervised stage."""

    steps: int = Field(ge=1, description="Optimiser steps.")
    batch_size: int = Field(ge=1, description="Global batch size, in the unit the stage names.")
    learning_rate: float = Field(gt=0, description="Peak learning rate.")
    warmup_steps: int = Field(0, ge=0, description="Linear warm-up steps.")
    weight_decay: float = Field(0.0, ge=0, description="AdamW weight decay.")
    gradient_clip: float = Field(1.0, gt=0, description="Largest gradient norm.")
    precision: Literal["32-true", "bf16-mixed"] = Field("32-true", description="Lightning precision.")
    checkpoint_every: int = Field(200, ge=1, description="Steps between resumable checkpoints.")

    @model_validator(mode="after")
    def _warmup_fits(self) -> "Optimisation":
        if self.warmup_steps >= self.steps:
            raise ValueError(f"warmup_steps {self.warmup_steps} must be below steps {self.steps}")
        return self


class ContrastivePretraining(Optimisation):
    """Image-caption training of a tower that is not loaded ready-made: batch in frame-caption pairs."""

    datasets: list[str] = Field(min_length=1, description="Datasets whose captioned train frames it sees.")
    frames_per_caption: int = Field(200, ge=1, description="At most this many frames are read for one caption text.")


class DeltaPretraining(Optimisation):
    """Stage 1 of CoPE (Eq. 7-10): batch in frame pairs."""

    datasets: list[str] = Field(min_length=1, description="Datasets whose train videos give frame pairs.")

    moving_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of each batch drawn from windows with motion; 0 draws all windows alike (paper silent).",
    )


class Lora(Section):
    """Low-rank adapters on the language model's linear layers in place of all its weights: for small GPUs, not the paper's."""

    rank: int = Field(64, ge=1, description="Rank r of every adapter.")
    alpha: float = Field(128.0, gt=0, description="An adapter's output is scaled by alpha / rank.")


class VideolmFinetuning(Optimisation):
    """Stage 2 of CoPE (Supp. C): batch in conversations (one video with its questions)."""

    delta_learning_rate: float | None = Field(
        None, gt=0, description="Δ-encoder's own peak learning rate; null takes learning_rate."
    )
    vision_learning_rate: float | None = Field(
        None, gt=0, description="Vision tower's peak learning rate (LLaVA-Video: 2e-6); null freezes the tower."
    )
    length_grouped: bool = Field(
        False, description="Batches of conversations of about equal length, in shuffled order (LLaVA-Video): less padding."
    )
    lora: Lora | None = Field(
        None, description="Train the language model through low-rank adapters, merged when it is exported; null trains it whole."
    )


class SamplerPretraining(Section):
    """MSJoE stage 1: REINFORCE on the sampler with the difficulty-aware advantage. Learning settings are not printed."""

    steps: int = Field(ge=1, description="Optimiser steps (not printed).")
    questions: int = Field(ge=1, description="Questions per step (not printed).")
    draws: int = Field(8, ge=2, description="Frame sets drawn per question (not printed).")
    learning_rate: float = Field(5e-4, gt=0, description="Adam learning rate (not printed; TSPO uses 5e-4).")
    tries: int = Field(8, ge=1, description="Base-model answers per question that estimate the pass rate c (not printed).")
    advantage: Literal["difficulty", "group"] = Field(
        "difficulty",
        description="difficulty: by the base model's pass rate c (MSJoE 1.5); group: by the question's other draws (Table 3).",
    )
    impossible_bonus: float = Field(10.0, gt=0, description="Advantage of a right answer where c = 0.")
    gradient_clip: float = Field(1.0, gt=0, description="Largest gradient norm.")
    checkpoint_every: int = Field(100, ge=1, description="Steps between resumable checkpoints.")


class JointEvolution(Section):
    """MSJoE stage 2: GRPO for the MLLM and REINFORCE for the sampler on the same rollouts (facts 1.3, 1.4)."""

    steps: int = Field(ge=1, description="Optimiser steps (not printed).")
    questions: int = Field(ge=1, description="Questions per step (not printed).")
    group: int = Field(8, ge=2, description="Rollouts G per question (not printed; TSPO and ViaRL use 8).")
    learning_rate: float = Field(1e-6, gt=0, description="MLLM learning rate (not printed).")
    sampler_learning_rate: float = Field(5e-4, gt=0, description="Sampler learning rate (not printed).")
    clip_range: float = Field(0.2, gt=0, lt=1, description="GRPO's ε (not printed).")
    temperature: float = Field(1.0, gt=0, description="Rollout temperature (not printed).")
    accuracy_reward: float = Field(0.8, ge=0, description="Reward of a right answer.")
    format_reward: float = Field(0.1, ge=0, description="Reward of well-formed queries and answer.")
    informativeness_reward: float = Field(0.1, ge=0, description="Weight of the share of queries with a peaked similarity.")
    informativeness_ratio: float = Field(10.0, gt=1, description="τ_info: max/min of exp(logit scale × cosine) over frames.")
    sampler_advantage: Literal["total", "accuracy"] = Field("total", description="Reward the sampler shares (sources disagree).")
    train_mllm: bool = Field(True, description="False freezes the MLLM (control).")
    train_sampler: bool = Field(True, description="False freezes the sampler (control).")
    gradient_clip: float = Field(1.0, gt=0, description="Largest gradient norm.")
    checkpoint_every: int = Field(50, ge=1, description="Steps between resumable checkpoints.")
    engine: Literal["transformers", "vllm"] = Field(
        "transformers",
        description="What writes queries and answers; vllm must be installed and is for a published MLLM on one GPU.",
    )
    engine_memory: float = Field(0.4, gt=0, lt=1, description="Share of the GPU's memory that vllm takes.")
    engine_context: int = Field(32768, ge=1, description="Most tokens of a prompt and its completion in vllm.")
    importance_cap: float = Field(
        2.0, ge=1, description="Largest weight of a token that vllm wrote: the trained model's probability of it over vllm's."
    )

    @model_validator(mode="after")
    def _something_trains(self) -> "JointEvolution":
        if not (self.train_mllm or self.train_sampler):
            raise ValueError("train_mllm and train_sampler are both false: nothing would be trained")
        return self


class SetLikelihood(Section):
    """What MSJoE leaves open about drawing K frames without replacement (facts 1.4, 1.9)."""

    log_probability: Literal["sum", "plackett-luce"] = Field(
        "sum", description="Printed: plain sum of log p(x_k); exact: Plackett-Luce."
    )
    centred_advantage: bool = Field(False, description="Subtract the group's mean advantage from the sampler's (not printed).")
    evaluate: Literal["top-k", "draw"] = Field(
        "top-k", description="Frames at evaluation: K largest weights, or a draw (not printed)."
    )


class KeyFrames(Section):
    """MSJoE's frame budget (facts 1.1)."""

    frames: int = Field(32, ge=1, description="Key frames K for answering.")
    previews: int = Field(16, ge=0, description="Low-resolution preview frames for query reasoning (K/2).")
    preview_tokens: int = Field(32, ge=1, description="Visual tokens per preview frame, newlines left aside (about).")
    candidate_fps: float = Field(1.0, gt=0, description="Candidate frames per second.")
    grid: int | None = Field(
        None, ge=1, description="Side of the token grid of a selected frame; null shows it at the tower's full resolution."
    )

    @property
    def preview_grid(self) -> int:
        """Side of a preview frame's token grid: the square nearest to preview_tokens."""
        return max(1, round(self.preview_tokens**0.5))


class Training(Section):
    """Settings of all stages; a variant may override any of them."""

    vision: ContrastivePretraining
    clip: ContrastivePretraining
    delta: DeltaPretraining
    videolm: VideolmFinetuning
    sampler: SamplerPretraining
    joint: JointEvolution
    set_likelihood: SetLikelihood = SetLikelihood()
    key_frames: KeyFrames = KeyFrames()
    primitive_cache: bool = Field(
        False,
        description=(
            "Keep the primitives of training videos on disk between epochs, checksummed; the size is stated before it is written."
        ),
    )
