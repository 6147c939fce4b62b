"""Checkpoints of the true baseline classes, with random weights, small enough to build in a test."""

from pathlib import Path

import torch
from transformers import (
    LlavaOnevisionConfig,
    LlavaOnevisionForConditionalGeneration,
    LlavaOnevisionImageProcessor,
    LlavaOnevisionProcessor,
    LlavaOnevisionVideoProcessor,
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2Config,
    Qwen2ForCausalLM,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)

from framethrift.models.tokenizer import build_tokenizer

SPECIAL = ["<video>", "<image>", "<|vision_start|>", "<|vision_end|>", "<|video_pad|>", "<|image_pad|>"]
TURNS = "{% for m in messages %}<|im_start|>{{ m.role }}\n{CONTENT}<|im_end|>\n{% endfor %}<|im_start|>assistant\n"
PARTS = (
    "{% for c in m.content %}{% if c.type == 'video' %}VIDEO{% endif %}"
    "{% if c.type == 'text' %}{{ c.text }}{% endif %}{% endfor %}"
)
TEXT = {
    **{"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2},
    **{"num_key_value_heads": 1, "max_position_embeddings": 4096, "tie_word_embeddings": False},
}


def _tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = build_tokenizer(["a red square moves to the left", "which option is right ?"], 384)
    tokenizer.add_special_tokens({"additional_special_tokens": SPECIAL})
    return tokenizer


def llava_onevision(folder: Path, seed: int = 0) -> Path:
    """LlavaOnevisionForConditionalGeneration: 28-pixel frames, 4 x 4 patches pooled to 2 x 2."""
    tokenizer = _tokenizer()
    vision = {
        **{"model_type": "siglip_vision_model", "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2},
        **{"num_attention_heads": 2, "image_size": 28, "patch_size": 7, "vision_use_head": False},
    }
    ids = tokenizer.convert_tokens_to_ids
    config = LlavaOnevisionConfig(
        vision_config=vision,
        text_config={"model_type": "qwen2", "vocab_size": len(tokenizer), **TEXT},
        image_token_id=ids("<image>"),
        video_token_id=ids("<video>"),
        vision_feature_select_strategy="full",
        vision_feature_layer=-1,
        image_grid_pinpoints=[[28, 28]],
    )
    size = {"size": {"height": 28, "width": 28}}
    processor = LlavaOnevisionProcessor(
        image_processor=LlavaOnevisionImageProcessor(**size, image_grid_pinpoints=[[28, 28]]),
        tokenizer=tokenizer,
        video_processor=LlavaOnevisionVideoProcessor(**size),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        chat_template=TURNS.replace("{CONTENT}", PARTS.replace("VIDEO", "<video>\n")),
    )
    torch.manual_seed(seed)
    return _save(LlavaOnevisionForConditionalGeneration(config), processor, folder)


def qwen2_5_vl(folder: Path, seed: int = 0) -> Path:
    """Qwen2_5_VLForConditionalGeneration: 14-pixel patches, 2 x 2 merged, two frames per time step."""
    tokenizer = _tokenizer()
    ids = tokenizer.convert_tokens_to_ids
    vision = {
        **{"depth": 2, "hidden_size": 32, "intermediate_size": 64, "num_heads": 2, "out_hidden_size": 32, "patch_size": 14},
        **{"window_size": 56, "fullatt_block_indexes": [1], "spatial_merge_size": 2, "temporal_patch_size": 2},
    }
    rope = {"rope_type": "default", "mrope_section": [4, 6, 6], "rope_theta": 10000.0}
    # One head of 32: vLLM has no kernel for smaller ones on a CPU.
    config = Qwen2_5_VLConfig(
        text_config={"vocab_size": len(tokenizer), "rope_parameters": rope, **TEXT, "num_attention_heads": 1},
        vision_config=vision,
        image_token_id=ids("<|image_pad|>"),
        video_token_id=ids("<|video_pad|>"),
        vision_start_token_id=ids("<|vision_start|>"),
        vision_end_token_id=ids("<|vision_end|>"),
    )
    size = {"size": {"shortest_edge": 4 * 28 * 28, "longest_edge": 64 * 28 * 28}}
    processor = Qwen2_5_VLProcessor(
        image_processor=Qwen2VLImageProcessor(**size),
        tokenizer=tokenizer,
        video_processor=Qwen2VLVideoProcessor(**size),
        chat_template=TURNS.replace("{CONTENT}", PARTS.replace("VIDEO", "<|vision_start|><|video_pad|><|vision_end|>")),
    )
    torch.manual_seed(seed)
    return _save(Qwen2_5_VLForConditionalGeneration(config), processor, folder)


def text(folder: Path, seed: int = 0) -> Path:
    """Qwen2ForCausalLM with a chat template."""
    tokenizer = _tokenizer()
    tokenizer.chat_template = TURNS.replace("{CONTENT}", "{{ m.content }}")
    torch.manual_seed(seed)
    return _save(Qwen2ForCausalLM(Qwen2Config(vocab_size=len(tokenizer), **TEXT)), tokenizer, folder)


def _save(model, processor, folder: Path) -> Path:  # type: ignore[no-untyped-def]
    for weights in model.parameters():
        if weights.ndim > 1:  # fresh weights are so small that hardly anything depends on the frames
            weights.data *= 5
    model.generation_config.eos_token_id = getattr(processor, "tokenizer", processor).eos_token_id
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder
