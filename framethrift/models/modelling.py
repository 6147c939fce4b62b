"""The VideoLM: LLaVA-Video's architecture with a Δ-encoder beside the image encoder (CoPE Sec. 3.2)."""

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import (
    AutoModel,
    AutoModelForImageTextToText,
    GenerationMixin,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    Qwen2ForCausalLM,
    SiglipVisionModel,
)
from transformers.cache_utils import Cache
from transformers.modeling_outputs import BaseModelOutputWithPast, CausalLMOutputWithPast

from framethrift.config.models import Models
from framethrift.models.configuration import CopeVideoConfig, build_config
from framethrift.models.cpu_linear import multiply_by_onednn
from framethrift.models.delta_encoder import DeltaEncoder, TokenUse, build_delta_encoder
from framethrift.models.delta_pretrainer import load_delta_pretrainer
from framethrift.models.generation import VideoGeneration, generation_config
from framethrift.models.language import fuse_norms, stops_early, wanted_states
from framethrift.models.vision import cut_head, feature_scale, load_tower, tower_features
from framethrift.tokens import ContextOverflow

IGNORED = -100


class Projector(nn.Module):
    """LLaVA's mlp2x_gelu: from the tower's width into the language model's."""

    def __init__(self, vision_width: int, text_width: int) -> None:
        super().__init__()
        self.first = nn.Linear(vision_width, text_width)
        self.second = nn.Linear(text_width, text_width)

    def forward(self, tokens: Tensor) -> Tensor:
        """(…, d_v) → (…, d_llm)."""
        return self.second(functional.gelu(self.first(tokens.to(self.first.weight.dtype))))


class CopeVideoForConditionalGeneration(VideoGeneration, PreTrainedModel, GenerationMixin):
    """Image tokens, Δ-tokens and newlines in the places of their placeholders, read by Qwen2.

    GenerationMixin stands among the bases because transformers looks for its name there before it loads a generation config.
    """

    config_class = CopeVideoConfig
    base_model_prefix = ""
    main_input_name = "input_ids"
    supports_gradient_checkpointing = True
    _no_split_modules = ["Qwen2DecoderLayer", "SiglipEncoderLayer", "PreNormBlock"]  # noqa: RUF012  as the base class declares it
    _supports_sdpa = True
    _supports_flash_attn = True
    _supports_flex_attn = True
    _supports_attention_backend = True

    def __init__(self, config: CopeVideoConfig) -> None:
        super().__init__(config)
        vision, text = config.vision_config, config.text_config
        self.vision_tower = cut_head(SiglipVisionModel._from_config(vision))
        self.delta_encoder = DeltaEncoder(config.delta_settings, vision.hidden_size)
        self.projector = Projector(vision.hidden_size, text.hidden_size)
        self.image_newline = nn.Parameter(torch.empty(text.hidden_size))
        self.language_model = fuse_norms(Qwen2ForCausalLM._from_config(text))
        multiply_by_onednn(self)
        self.post_init()

    def _init_weights(self, module: nn.Module) -> None:
        if isinstance(module, DeltaEncoder):
            module.reset()
        elif isinstance(module, Projector):
            for layer in (module.first, module.second):
                nn.init.normal_(layer.weight, std=1 / math.sqrt(layer.in_features))
                nn.init.zeros_(layer.bias)
        elif isinstance(module, CopeVideoForConditionalGeneration):
            nn.init.normal_(module.image_newline, std=1 / math.sqrt(len(module.image_newline)))

    def get_input_embeddings(self) -> nn.Module:
        """The language model's token embedding."""
        return self.language_model.get_input_embeddings()

    def get_output_embeddings(self) -> nn.Module:
        """The language model's output layer."""
        return self.language_model.get_output_embeddings()

    def vision_features(self, pixel_values: Tensor) -> Tensor:
        """Preprocessed frames (n, 3, S, S) → the tower's tokens (n, patches, d_v), last layer dropped, no final norm."""
        return tower_features(self.vision_tower, pixel_values.to(self.vision_tower.dtype))

    def image_embeddings(self, features: Tensor, grid: int | None = None) -> Tensor:
        """Tower tokens (n, patches, d_v) → (n, g * g, d_llm): projector on all patches, then bilinear pooling to g × g."""
        grid = grid or self.config.grid
        side = self.config.patch_side
        if features.shape[1] != side * side:
            raise ValueError(
                f"image features {tuple(features.shape)}: expected {side} x {side} = {side * side} patches per frame"
            )
        embeddings = self.projector(features)
        if grid == side:
            return embeddings
        planes = embeddings.transpose(1, 2).unflatten(2, (side, side))
        return functional.interpolate(planes, size=(grid, grid), mode="bilinear").flatten(2).transpose(1, 2)

    def delta_embeddings(self, motion: Tensor, residual: Tensor, use: TokenUse = "keep") -> Tensor:
        """τ (n, 2, h, w), δ (n, 3, h, w) → (n, N, d_llm): Δ-tokens live in the tower's space and go through the same projector.

        The paper does not say whether they do; aligning them with the tower's tokens (Eq. 10) only helps if they do. `use` sets
        Δ-tokens to zero before the projector, as Table H.3 sets "all Δ-tokens to zero".
        """
        return self.projector(self.delta_encoder.tokens(motion, residual, use))

    def embed(
        self,
        input_ids: Tensor,
        pixel_values: Tensor | None = None,
        image_features: Tensor | None = None,
        image_grids: Tensor | list[int] | None = None,
        motion: Tensor | None = None,
        residual: Tensor | None = None,
        delta_embeds: Tensor | None = None,
        delta_use: TokenUse = "keep",
        *,
        image_embeds: Tensor | None = None,
        prompt: Tensor | None = None,
    ) -> Tensor:
        """Token embeddings (B, L, d_llm) with images, Δ-tokens and newlines put where their placeholders are, in reading order.

        Arguments as `forward`; image_embeds (n, g·g, d_llm) are ready-made (`image_embeddings`) in place of pixels or features.
        Places are looked for where `prompt` (B, L) bool is True, everywhere without it: a model may well write a token that
        stands for an image in a prompt. Raises ValueError when placeholders and embeddings differ in number.
        """
        embeddings = self.get_input_embeddings()(input_ids)
        ids = (input_ids if prompt is None else input_ids.masked_fill(~prompt, -1)).reshape(-1)
        width = embeddings.shape[-1]
        places, values = [], []
        images = self._image_values(pixel_values, image_features, image_grids) if image_embeds is None else image_embeds
        if delta_embeds is None and motion is not None and residual is not None:
            delta_embeds = self.delta_embeddings(motion, residual, delta_use)
        for name, token, found in (
            ("image", self.config.image_token_id, images),
            ("delta", self.config.delta_token_id, delta_embeds),
        ):
            where = (ids == token).nonzero(as_tuple=True)[0]
            given = 0 if found is None else found.numel() // width
            if len(where) != given:
                raise ValueError(f"the prompt has {len(where)} <|{name}|> placeholders, but {given} {name} embeddings were given")
            if found is not None and given:
                places.append(where)
                values.append(found.reshape(-1, width).to(embeddings.dtype))
        where = (ids == self.config.newline_token_id).nonzero(as_tuple=True)[0]
        if len(where):
            places.append(where)
            values.append(self.image_newline.to(embeddings.dtype).expand(len(where), -1))
        if not places:
            return embeddings
        return embeddings.reshape(-1, width).index_copy(0, torch.cat(places), torch.cat(values)).view_as(embeddings)

    def _image_values(
        self, pixel_values: Tensor | None, image_features: Tensor | None, image_grids: Tensor | list[int] | None
    ) -> Tensor | None:
        if image_features is None:
            if pixel_values is None:
                return None
            image_features = self.vision_features(pixel_values)
        if image_grids is None:
            return self.image_embeddings(image_features)
        grids = [int(grid) for grid in image_grids]
        if len(grids) != len(image_features):
            raise ValueError(f"image_grids names {len(grids)} grids for {len(image_features)} images")
        if len(set(grids)) == 1:
            return self.image_embeddings(image_features, grids[0])
        embedded: list[Tensor] = [image_features] * len(grids)
        for grid in set(grids):
            rows = [row for row, own in enumerate(grids) if own == grid]
            for row, tokens in zip(rows, self.image_embeddings(image_features[rows], grid), strict=True):
                embedded[row] = tokens
        return torch.cat(embedded) if embedded else None

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        position_ids: Tensor | None = None,
        pixel_values: Tensor | None = None,
        image_features: Tensor | None = None,
        image_grids: Tensor | list[int] | None = None,
        motion: Tensor | None = None,
        residual: Tensor | None = None,
        delta_embeds: Tensor | None = None,
        delta_use: TokenUse = "keep",
        inputs_embeds: Tensor | None = None,
        labels: Tensor | None = None,
        past_key_values: Cache | None = None,
        use_cache: bool | None = None,
        logits_to_keep: int | Tensor = 0,
        **kwargs: Any,
    ) -> CausalLMOutputWithPast:
        """Run the language model over a batch of token streams.

        input_ids (B, L); attention_mask (B, L), or (B, 1, L, K) bool (true = may attend) or additive float, handed on as it is;
        position_ids (B, L), needed with a 4D mask. pixel_values (n_I, 3, S, S) or image_features (n_I, patches, d_v) of all
        I-frames of the batch in reading order, image_grids (n_I,) sides of their pooled grids (default: the config's). motion
        (n_P, 2, h, w) and residual (n_P, 3, h, w) of all P-frames in reading order, or delta_embeds (n_P, N, d_llm); delta_use
        as in `delta_embeddings`. labels (B, L), -100 where nothing is learned.

        Without labels, logits are (B, L, vocabulary), or those that logits_to_keep selects. With labels, only supervised
        positions go through the output layer: logits are (number of them, vocabulary) in reading order, loss is their mean.

        Raises ContextOverflow for sequences longer than the context, ValueError when placeholders and embeddings do not match.
        """
        tokens = input_ids if inputs_embeds is None else inputs_embeds
        if tokens is None:
            raise ValueError("forward needs input_ids or inputs_embeds")
        seen = 0 if past_key_values is None else past_key_values.get_seq_length()
        self._require_context(input_ids, position_ids, seen + tokens.shape[1])
        if inputs_embeds is None:
            inputs_embeds = self.embed(
                tokens, pixel_values, image_features, image_grids, motion, residual, delta_embeds, delta_use
            )
        backbone = self.language_model.model
        wanted = None if labels is None else functional.pad(labels[:, 1:] != IGNORED, (0, 1))
        if wanted is not None and not wanted.any():
            raise ValueError(f"labels {tuple(wanted.shape)} supervise no position: all but the first of each row are {IGNORED}")
        if wanted is not None and past_key_values is None and not use_cache and not kwargs and stops_early(backbone):
            outputs = BaseModelOutputWithPast()
            states = wanted_states(backbone, inputs_embeds, attention_mask, position_ids, wanted)
        else:
            outputs = backbone(
                inputs_embeds=inputs_embeds,
                attention_mask=attention_mask,
                position_ids=position_ids,
                past_key_values=past_key_values,
                use_cache=use_cache,
                **kwargs,
            )
            kept = slice(-logits_to_keep, None) if isinstance(logits_to_keep, int) else logits_to_keep
            states = outputs.last_hidden_state[:, kept] if wanted is None else outputs.last_hidden_state[wanted]
        logits = self.language_model.lm_head(states)
        loss = None
        if labels is not None and wanted is not None:
            loss = functional.cross_entropy(logits.float(), labels[:, 1:][wanted[:, :-1]])
        return CausalLMOutputWithPast(
            loss=loss,
            logits=logits,
            past_key_values=outputs.past_key_values,
            hidden_states=outputs.hidden_states,
            attentions=outputs.attentions,
        )

    def _require_context(self, input_ids: Tensor | None, position_ids: Tensor | None, length: int) -> None:
        context = self.config.text_config.max_position_embeddings
        if position_ids is not None:  # questions packed behind one prefix share positions: a row may be longer than its last one
            length = int(position_ids.max()) + 1
        if length <= context:
            return
        shown = ""
        if input_ids is not None:
            images, deltas = (
                int((input_ids == token).sum(dim=1).max()) for token in (self.config.image_token_id, self.config.delta_token_id)
            )
            shown = f" (at most {images} image tokens and {deltas} Δ-tokens per row)"
        raise ContextOverflow(
            f"a sequence of {length} tokens{shown} exceeds the context of {context}: show fewer GOPs (max_gops), "
            f"fewer key frames (keyframes_per_gop, frames), or generate fewer tokens"
        )


def build_videolm(
    models: Models, vision_folder: Path | str, tokenizer: PreTrainedTokenizerBase, delta_folder: Path | str | None, seed: int
) -> CopeVideoForConditionalGeneration:
    """The VideoLM that fine-tuning starts from, in the shape of `models`; what is not loaded is drawn from `seed`.

    With `models.language.source`, tower, projector and language model come from that VideoLM folder (or hub name), and
    `vision_folder` is not read; otherwise the tower comes from `vision_folder` and the rest is random. The Δ-encoder comes from
    the pre-training folder `delta_folder`, or starts random at the scale of the tower's features (Table H.2).

    Raises ValueError when the parts do not fit together.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if models.language.source is not None:
            model = CopeVideoForConditionalGeneration.from_pretrained(models.language.source, use_safetensors=True)
            # The study's own limit: rotary positions have none.
            model.config.text_config.max_position_embeddings = models.language.context
        else:
            tower = load_tower(vision_folder, models.vision.drop_layers)
            model = CopeVideoForConditionalGeneration(build_config(models, tower.config, tokenizer))
            model.vision_tower.load_state_dict(tower.state_dict())
    dim = model.config.vision_config.hidden_size
    if delta_folder is None:
        encoder = build_delta_encoder(models.delta_encoder, dim, seed, feature_scale(model.vision_tower))
    else:
        encoder = load_delta_pretrainer(delta_folder).encoder
        if (encoder.settings, encoder.dim) != (models.delta_encoder, dim):
            raise ValueError(
                f"{delta_folder}: pre-trained for width {encoder.dim} with {encoder.settings}, "
                f"but the tower has width {dim} and the study asks for {models.delta_encoder}"
            )
    model.delta_encoder = encoder
    multiply_by_onednn(encoder)
    model.config.delta_config = models.delta_encoder.model_dump(mode="json")
    model.generation_config = generation_config(tokenizer)
    return model.eval()


AutoModel.register(CopeVideoConfig, CopeVideoForConditionalGeneration)
AutoModelForImageTextToText.register(CopeVideoConfig, CopeVideoForConditionalGeneration)
