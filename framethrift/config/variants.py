"""The trained models of a study: named sets of overrides of its settings."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section


class VideolmVariant(Section):
    """A fine-tuned VideoLM, or a published one as it is."""

    kind: Literal["videolm"] = "videolm"
    trained: bool = Field(
        True, description="False takes the weights of models.language.source as they are: a published baseline."
    )
    datasets: list[str] = Field(default_factory=list, description="Datasets whose train split it sees.")
    samplings: list[str] = Field(
        min_length=1, description="Samplings it is trained with, one drawn per conversation; the first is its default."
    )
    start: str | None = Field(
        None,
        description="VideoLM variant of the study that it goes on from, Δ-encoder included (Table F.1); null starts afresh.",
    )
    delta_pretraining: bool = Field(True, description="Start from the pre-trained Δ-encoder (Table H.2: false).")
    blind_share: float = Field(
        0.0, ge=0, lt=1, description="Share of conversations without the video: text-only samples, as in most data mixes."
    )
    captions: bool = Field(
        False, description="Also learn to caption each video's first frame, as LLaVA-Video's data mix has captions."
    )
    query_reasoning: bool = Field(
        False, description="Also learn to write visual queries (the miniature's MLLM; Qwen2.5-VL needs none)."
    )
    corrupted_queries: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of question templates with systematically wrong query targets: room for RL to improve.",
    )
    training: dict = Field(default_factory=dict, description="Overrides of the study's training section.")
    models: dict = Field(default_factory=dict, description="Overrides of the study's models section.")

    @model_validator(mode="after")
    def _has_data(self) -> "VideolmVariant":
        if self.trained != bool(self.datasets):
            raise ValueError(
                f"trained is {self.trained}, datasets are {self.datasets}: a trained variant needs datasets, another takes none"
            )
        if self.start is not None and not self.trained:
            raise ValueError(f"start is {self.start!r}, but trained is false: weights as published go on from nothing")
        return self


class SamplerVariant(Section):
    """A trained frame sampler beside a frozen MLLM: MSJoE's stage 1, or TSPO's agent."""

    kind: Literal["sampler"] = "sampler"
    method: Literal["msjoe", "tspo"] = Field(
        "msjoe", description="What is trained, and how: MSJoE's U-Net, or TSPO's agent; read by the selector of the same name."
    )
    mllm: str = Field(description="Variant that writes the queries and answers: a VideoLM, or a baseline of family qwen2_5_vl.")
    dataset: str = Field(description="Dataset whose train questions it sees.")
    training: dict = Field(default_factory=dict, description="Overrides of the study's training section.")
    models: dict = Field(default_factory=dict, description="Overrides of the study's models section.")


class JointVariant(Section):
    """MLLM and sampler trained together (MSJoE stage 2)."""

    kind: Literal["joint"] = "joint"
    sampler: str = Field(description="Sampler variant it starts from; its MLLM comes along.")
    training: dict = Field(default_factory=dict, description="Overrides of the study's training section.")
    models: dict = Field(default_factory=dict, description="Overrides of the study's models section.")


class BaselineVariant(Section):
    """A published model of another class, as it is, behind the same frames and prompts: never trained here."""

    kind: Literal["baseline"] = "baseline"
    family: Literal["llava_onevision", "qwen2_5_vl", "text"] = Field(
        description=(
            "transformers class: LlavaOnevisionForConditionalGeneration (LLaVA-OneVision and LLaVA-Video checkpoints), "
            "Qwen2_5_VLForConditionalGeneration, or a causal language model that reads the question only."
        )
    )
    source: str = Field(description="Folder or hub name of the checkpoint.")
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        "bfloat16", description="Type of its weights at inference; on a CPU choose float32."
    )


Variant = Annotated[VideolmVariant | SamplerVariant | JointVariant | BaselineVariant, Field(discriminator="kind")]
