"""Hugging Face configuration of the CoPE VideoLM."""

import math
from typing import Any, ClassVar

from transformers import AutoConfig, PreTrainedConfig, PreTrainedTokenizerBase, Qwen2Config, SiglipVisionConfig

from framethrift.config.models import DeltaEncoder as DeltaEncoderConfig
from framethrift.config.models import LanguageModel, Models
from framethrift.models.tokenizer import DELTA, END, IMAGE, NEWLINE, PAD, STREAM_TOKENS
from framethrift.models.vision import cut_config

ROPE_THETA = 1_000_000.0


class CopeVideoConfig(PreTrainedConfig):
    """SigLIP tower, Δ-encoder, projector and Qwen2; `delta_config` holds the fields of framethrift.config.models.DeltaEncoder."""

    model_type = "cope_video"
    sub_configs_defaults: ClassVar[dict[str, Any]] = {"vision_config": SiglipVisionConfig, "text_config": Qwen2Config}

    # Dictionaries become the configuration classes above.
    vision_config: Any = None
    text_config: Any = None
    delta_config: dict[str, Any] | None = None
    pool_stride: int = 2
    image_token_id: int = 151646
    newline_token_id: int = 151647
    delta_token_id: int = 151648
    tie_word_embeddings: bool = False

    @property
    def delta_settings(self) -> DeltaEncoderConfig:
        """The Δ-encoder's settings."""
        return DeltaEncoderConfig.model_validate(self.delta_config or {})

    @property
    def patch_side(self) -> int:
        """Patches per side of the tower's grid."""
        return self.vision_config.image_size // self.vision_config.patch_size

    @property
    def grid(self) -> int:
        """Side of the pooled grid of image tokens, ceil(patches per side / pool_stride)."""
        return -(-self.patch_side // self.pool_stride)


def text_config(settings: LanguageModel, vocabulary: int, pad: int, end: int) -> Qwen2Config:
    """transformers' configuration of the language model.

    Weights start with standard deviation √(0.4 / hidden_size), at least Qwen2's 0.02: that is meant for widths of a thousand and
    more, and a narrow model started from it barely moves in a few hundred steps.
    """
    return Qwen2Config(
        vocab_size=vocabulary,
        hidden_size=settings.hidden_size,
        intermediate_size=settings.intermediate_size,
        num_hidden_layers=settings.layers,
        num_attention_heads=settings.heads,
        num_key_value_heads=settings.kv_heads,
        max_position_embeddings=settings.context,
        rope_parameters={"rope_type": "default", "rope_theta": ROPE_THETA},
        initializer_range=max(0.02, math.sqrt(0.4 / settings.hidden_size)),
        tie_word_embeddings=False,
        pad_token_id=pad,
        eos_token_id=end,
    )


def build_config(models: Models, vision: SiglipVisionConfig, tokenizer: PreTrainedTokenizerBase) -> CopeVideoConfig:
    """The configuration of a study's VideoLM around a cut tower.

    Raises ValueError when the tokenizer lacks the stream's tokens, or has more tokens than `language.vocabulary`.
    """
    known, vocabulary = tokenizer.get_vocab(), models.language.vocabulary
    missing = [token for token in STREAM_TOKENS if token not in known]
    if missing:
        raise ValueError(f"the tokenizer has no {', '.join(missing)}; take one from build_tokenizer or load_tokenizer")
    if len(tokenizer) > vocabulary:
        raise ValueError(f"models.language.vocabulary {vocabulary} is below the tokenizer's {len(tokenizer)} tokens")
    return CopeVideoConfig(
        vision_config=vision,
        text_config=text_config(models.language, vocabulary, known[PAD], known[END]),
        delta_config=models.delta_encoder.model_dump(mode="json"),
        pool_stride=models.vision.pool_stride,
        image_token_id=known[IMAGE],
        newline_token_id=known[NEWLINE],
        delta_token_id=known[DELTA],
    )


def meta_config(models: Models) -> CopeVideoConfig:
    """The configuration from settings alone, with the default token ids: for shapes and parameter counts without any file."""
    return CopeVideoConfig(
        vision_config=cut_config(models.vision),
        text_config=text_config(models.language, models.language.vocabulary, pad=0, end=0),
        delta_config=models.delta_encoder.model_dump(mode="json"),
        pool_stride=models.vision.pool_stride,
    )


AutoConfig.register(CopeVideoConfig.model_type, CopeVideoConfig)
