"""vLLM as the engine of rollouts: it writes from the language model's present weights, among visual tokens computed elsewhere."""

import os
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from framethrift.models.completions import Completions, Prompt, Writing

Weights = Callable[[], Iterable[tuple[str, Tensor]]]  # the language model's, named as in the class's checkpoint


class VllmEngine:
    """Completions of prompts with one video at most (an `Engine`), in this process and on its device.

    vLLM's kernels, and its 16-bit weights on a GPU, give other probabilities than the model that is trained: what it writes is
    off-policy, and its `Completions` state its own log-probabilities.
    """

    corrected = True

    def __init__(self, folder: Path, weights: Weights, video_token: int, context: int, memory_share: float) -> None:
        """`folder`: checkpoint of a class whose video tokens vLLM takes as embeddings; `weights` names its present weights.

        `context`: most tokens of a prompt and its completion; `memory_share` of a GPU's memory goes to vLLM.
        Raises ModuleNotFoundError when vLLM is not installed.
        """
        require_vllm()
        os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"  # in this process, so that `update` hands weights over as they are
        from vllm import LLM

        on_gpu = torch.cuda.is_available()
        self._weights, self._video_token = weights, video_token
        self._model = LLM(
            str(folder),
            load_format="dummy",
            dtype="bfloat16" if on_gpu else "float32",
            gpu_memory_utilization=memory_share,
            max_model_len=context,
            # Vision is the trainer's, frozen: no tower, only tokens.
            limit_mm_per_prompt={"image": 0, "video": 0},
            enable_mm_embeds=True,
            # As sampled, at the temperature.
            logprobs_mode="processed_logprobs",
            enforce_eager=not on_gpu,
            disable_log_stats=True,
        )
        self.update()

    def update(self) -> None:
        """As `Engine`; what is cached of older weights is dropped."""
        self._model.collective_rpc("reload_weights", kwargs={"weights_iterator": self._weights()})
        self._model.reset_prefix_cache()
        self._model.reset_mm_cache()
        self._model.llm_engine.reset_encoder_cache()

    def complete(self, prompts: Sequence[Prompt], how: Writing) -> Completions:
        """As `completions.complete`; draws follow the generator, but are others than transformers'."""
        from vllm import SamplingParams

        drawn = how.temperature > 0 and how.generator
        seeds = _seeds(len(prompts), drawn) if drawn else [None] * len(prompts)
        asked = [
            SamplingParams(
                n=how.samples, temperature=how.temperature, seed=seed, max_tokens=how.max_new_tokens, stop_token_ids=[how.end_id],
                ignore_eos=True, logprobs=0, detokenize=False,
            )
            for seed in seeds
        ]  # fmt: skip
        found = self._model.generate([self._input(prompt) for prompt in prompts], asked, use_tqdm=False)
        rows = [output for request in found for output in sorted(request.outputs, key=lambda output: output.index)]
        device = prompts[0].images.device
        tokens = [torch.tensor(row.token_ids, device=device) for row in rows]
        scores = [
            torch.tensor([step[token].logprob for step, token in zip(row.logprobs, row.token_ids, strict=True)], device=device)
            for row in rows
        ]
        held = [torch.ones_like(row, dtype=torch.bool) for row in tokens]
        return Completions(
            pad_sequence(tokens, batch_first=True, padding_value=how.pad_id),
            pad_sequence(held, batch_first=True, padding_value=False),
            pad_sequence(scores, batch_first=True),
        )

    def _input(self, prompt: Prompt) -> dict[str, Any]:
        """The prompt as vLLM takes it: one placeholder for the video, which it repeats, and the video's tokens."""
        ids, video = list(prompt.ids), self._video_token
        if not len(prompt.images):
            return {"prompt_token_ids": ids}
        once = [token for place, token in enumerate(ids) if token != video or ids[place - 1] != video]
        layout = {name: value.cpu() for name, value in prompt.layout.items()}
        return {"prompt_token_ids": once, "multi_modal_data": {"video": {"video_embeds": prompt.images.cpu(), **layout}}}


def require_vllm() -> None:
    """Raise ModuleNotFoundError, saying what to do, when vLLM is not installed."""
    if find_spec("vllm") is None:
        raise ModuleNotFoundError("vLLM is not installed: `pip install vllm`, or set training.joint.engine to transformers")


def _seeds(count: int, generator: torch.Generator) -> list[int]:
    return torch.randint(2**62, (count,), generator=generator, device=generator.device).tolist()
