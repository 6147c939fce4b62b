"""The models: image encoder, Δ-encoder and its pre-trainer, VideoLM, CLIP similarity, frame sampler."""

import framethrift.torchvision_hook  # noqa: F401  transformers imports torchvision, whose CUDA build must not stop a CPU torch
