"""Shapes of the models: the miniature and the 7B differ only in these numbers."""

from typing import Literal

from pydantic import Field, model_validator

from framethrift.config.base import Section


class VisionTower(Section):
    """The VideoLM's image encoder: transformers' SigLIP (LLaVA-Video uses so400m/384 without its last layer)."""

    source: str | None = Field(None, description="Folder or hub name of trained weights; null trains the tower in the study.")
    hidden_size: int = Field(1152, ge=16, description="Width d of an image token.")
    intermediate_size: int = Field(4304, ge=16, description="Width of the feed-forward layers.")
    layers: int = Field(27, ge=2, description="Transformer layers before the last is dropped.")
    heads: int = Field(16, ge=1, description="Attention heads.")
    image_size: int = Field(384, ge=16, description="Input side in pixels.")
    patch_size: int = Field(14, ge=4, description="Patch side in pixels.")
    drop_layers: int = Field(1, ge=0, description="Last layers removed before use (LLaVA-Video: 1).")
    pool_stride: int = Field(2, ge=1, description="Bilinear pooling of the patch grid, output side ceil(grid / stride).")
    text_layers: int = Field(2, ge=1, description="Layers of the text tower (used only while the tower is trained here).")

    @model_validator(mode="after")
    def _shapes(self) -> "VisionTower":
        if self.hidden_size % self.heads:
            raise ValueError(
                f"heads {self.heads} does not divide hidden_size {self.hidden_size}; allowed: divisors of {self.hidden_size}"
            )
        if self.image_size < self.patch_size:
            raise ValueError(f"image_size {self.image_size} is below patch_size {self.patch_size}")
        if self.drop_layers >= self.layers:
            raise ValueError(
                f"drop_layers {self.drop_layers} leaves none of {self.layers} layers; allowed: 0 to {self.layers - 1}"
            )
        return self

    @property
    def grid(self) -> int:
        """Side of the pooled token grid: ceil(patches per side / pool_stride)."""
        return -(-(self.image_size // self.patch_size) // self.pool_stride)


class LanguageModel(Section):
    """The VideoLM's language model: transformers' Qwen2."""

    source: str | None = Field(None, description="Folder or hub name of a trained VideoLM; null starts from random weights.")
    hidden_size: int = Field(3584, ge=16, description="Width of the residual stream.")
    intermediate_size: int = Field(18944, ge=16, description="Width of the feed-forward layers.")
    layers: int = Field(28, ge=1, description="Transformer layers.")
    heads: int = Field(28, ge=1, description="Query heads.")
    kv_heads: int = Field(4, ge=1, description="Key-value heads.")
    context: int = Field(32768, ge=64, description="Longest sequence in tokens.")
    vocabulary: int = Field(152064, ge=300, description="Tokenizer size; the miniature's byte-level BPE is trained to it.")

    @model_validator(mode="after")
    def _shapes(self) -> "LanguageModel":
        if self.hidden_size % self.heads:
            raise ValueError(
                f"heads {self.heads} does not divide hidden_size {self.hidden_size}; allowed: divisors of {self.hidden_size}"
            )
        if self.heads % self.kv_heads:
            raise ValueError(f"kv_heads {self.kv_heads} does not divide heads {self.heads}; allowed: divisors of {self.heads}")
        return self


class DeltaEncoder(Section):
    """The Δ-encoder (CoPE Sec. 3.2, Supp. B).

    The paper states both "4 layers, 9 heads, d = 1152" and "fewer than 15M parameters"; they cannot both hold.
    The default width 288 with the ResNet-18 trunk cut at stride 16 meets the parameter budget; width 1152 is the text's reading.
    """

    width: int = Field(
        288, ge=8, description="Width of the Δ-transformers; the paper's text says 1152, its budget needs about 288."
    )
    layers: int = Field(4, ge=1, description="Transformer layers per branch (Supp. B).")
    heads: int = Field(9, ge=1, description="Attention heads (Supp. B).")
    motion_tokens: int = Field(4, ge=0, description="K_τ, motion tokens per fused P-frame (Sec. 3.2); 0 drops the branch.")
    residual_tokens: int = Field(4, ge=0, description="K_δ, residual tokens per fused P-frame (Sec. 3.2); 0 drops the branch.")
    patch_size: int = Field(16, ge=4, description="Side of a motion patch in pixels (Supp. B).")
    image_size: int = Field(
        384, ge=16, description="Side to which τ and δ are brought; the paper is silent, the tower's input is taken."
    )
    trunk_widths: tuple[int, int, int] = Field(
        (64, 128, 256), description="Channels of the ResNet trunk's three stages (ResNet-18 to stride 16)."
    )
    trunk_depths: tuple[int, int, int] = Field((2, 2, 2), description="Blocks per stage (ResNet-18).")
    motion_scaling: Literal["min-max", "clip"] = Field(
        "min-max", description="τ to [−1, 1] per field (Supp. B), or clipped at motion_limit."
    )
    motion_limit: float = Field(20.0, gt=0, description="Pixels at which `clip` saturates (CoViAR: 20).")
    residual_limit: float = Field(
        255.0, gt=0, le=255, description="δ is clipped at ± this many grey levels first; 255 clips nothing (CoViAR: 128)."
    )
    residual_scale: float = Field(255.0, gt=0, description="δ is divided by this; the paper is silent (CoViAR: 255).")

    @model_validator(mode="after")
    def _shapes(self) -> "DeltaEncoder":
        if self.width % self.heads:
            raise ValueError(f"heads {self.heads} does not divide width {self.width}; allowed: divisors of {self.width}")
        if self.motion_tokens + self.residual_tokens == 0:
            raise ValueError("motion_tokens and residual_tokens are both 0: the Δ-encoder would make no token")
        if self.image_size % 16 or self.image_size % self.patch_size:
            raise ValueError(f"image_size {self.image_size} must be a multiple of 16 and of patch_size {self.patch_size}")
        return self


class Clip(Section):
    """The frozen CLIP that scores frames against visual queries (MSJoE 1.1): an open_clip model."""

    source: str | None = Field(
        None, description="open_clip `model@pretrained tag or file`, e.g. ViT-L-14@openai; null trains the model in the study."
    )
    embed_dim: int = Field(768, ge=8, description="Size of the joint embedding.")
    image_size: int = Field(224, ge=16, description="Input side in pixels.")
    patch_size: int = Field(14, ge=4, description="Patch side in pixels.")
    width: int = Field(1024, ge=16, description="Width of the image tower.")
    layers: int = Field(24, ge=1, description="Layers of the image tower.")
    heads: int = Field(16, ge=1, description="Heads of both towers.")
    text_width: int = Field(768, ge=16, description="Width of the text tower.")
    text_layers: int = Field(12, ge=1, description="Layers of the text tower.")
    context: int = Field(77, ge=8, description="Longest caption in tokens.")
    embedding_noise: float = Field(
        0.0,
        ge=0,
        description=(
            "Length of the random vector added to every frame's unit embedding when frames are scored, fixed per picture: lets a "
            "miniature CLIP, which knows all there is in its world, err as often as a published one; 0 adds none."
        ),
    )

    @model_validator(mode="after")
    def _shapes(self) -> "Clip":
        for name in ("width", "text_width"):
            if getattr(self, name) % self.heads:
                raise ValueError(f"heads {self.heads} does not divide {name} {getattr(self, name)}")
        if self.image_size % self.patch_size:
            raise ValueError(f"patch_size {self.patch_size} does not divide image_size {self.image_size}")
        return self


class Sampler(Section):
    """MSJoE's key-frame sampler: a 1D U-Net over the query-frame similarity matrix (about 2M parameters; layout not printed)."""

    channels: tuple[int, ...] = Field(
        (8, 16, 32, 64, 296),
        min_length=1,
        description=(
            "Channels per resolution level, each a quarter as long as the one before (not printed; about 2M parameters, most at "
            "the coarse levels, so that an hour at 1 FPS takes milliseconds)."
        ),
    )
    kernel: int = Field(5, ge=1, description="Convolution width in frames (not printed).")
    max_queries: int = Field(4, ge=1, description="Visual queries per question, N_q ≤ 4 (MSJoE 1.1).")
    temperature: float = Field(1.0, gt=0, description="Divides the frame logits before the softmax (not printed).")

    @model_validator(mode="after")
    def _odd_kernel(self) -> "Sampler":
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel} must be odd")
        return self


class Tspo(Section):
    """TSPO's temporal agent over CLIP features (arXiv 2508.04369): local-window attention and an MLP, trained alone."""

    window: int = Field(12, ge=1, description="Frames of a local attention window.")
    heads: int = Field(8, ge=1, description="Attention heads.")
    first_temperature: float = Field(0.025, gt=0, description="Divides the scores before the softmax at the first step ...")
    temperature: float = Field(
        0.01, gt=0, description="... and at the last one, annealed linearly; the order stays at inference."
    )
    evidence_reward: bool = Field(True, description="Add R_T, the share of the drawn frames that show evidence (needle data).")


class Models(Section):
    """All models of a study."""

    vision: VisionTower = VisionTower()
    language: LanguageModel = LanguageModel()
    delta_encoder: DeltaEncoder = DeltaEncoder()
    clip: Clip = Clip()
    sampler: Sampler = Sampler()
    tspo: Tspo = Tspo()
