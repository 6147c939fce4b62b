"""One job's estimate, and what estimating needs: a study, its assumptions, and its models."""

from dataclasses import asdict, dataclass, field
from typing import Any

from framethrift.config.models import Models
from framethrift.config.study import Study
from framethrift.config.training import KeyFrames
from framethrift.planning.assumptions import Assumptions
from framethrift.planning.counting import Work
from framethrift.planning.networks import Networks, Part
from framethrift.planning.workload import View

BF16 = 2  # bytes of a number that inference reads


@dataclass(frozen=True)
class Memory:
    """Bytes of a training stage: the whole state, which may be sharded, and the activations of one sample."""

    parameters: float
    gradients: float
    optimiser: float
    activations: float
    activations_checkpointed: float

    @classmethod
    def of(cls, trained: float, frozen: float, kept: float, light: float) -> "Memory":
        """AdamW in 32 bits: four bytes per parameter and gradient, eight for its two moments."""
        return cls(4 * (trained + frozen), 4 * trained, 8 * trained, kept, light)

    @property
    def state(self) -> float:
        """Bytes beside the activations."""
        return self.parameters + self.gradients + self.optimiser


@dataclass(frozen=True)
class Stage:
    """What one job takes. `gpu_seconds` is on a single GPU; a `wide` job divides it among all its GPUs.

    `checkpoint_every` is the share of the job between two checkpoints; None: a cut-off job begins anew.
    """

    rule: str
    name: str
    gpu_seconds: float = 0.0
    cpu_seconds: float = 0.0
    wide: bool = False
    steps: int = 0
    samples: int = 0
    step_flops: float = 0.0
    flops: float = 0.0
    trained: int = 0
    memory: Memory | None = None
    checkpoint_every: float | None = None
    notes: tuple[str, ...] = field(default=())

    @property
    def label(self) -> str:
        """Rule and name as printed."""
        return " ".join(dict.fromkeys([self.rule, *self.name.split()]))

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self) | {"gpu_hours": self.gpu_seconds / 3600}


class Estimator:
    """What the stages' estimates share; models are counted once per shape and precision."""

    def __init__(self, study: Study, given: Assumptions) -> None:
        self.study, self.given = study, given
        self._known: dict[tuple[str, bool], Networks] = {}

    def networks(self, models: Models, precision: str = "bf16-mixed") -> Networks:
        """The study's models in a precision."""
        key = models.model_dump_json(), precision == "bf16-mixed"
        if key not in self._known:
            # What does not depend on the Δ-encoder is counted once for all of its ablations.
            plain = models.model_copy(update={"delta_encoder": self.study.models.delta_encoder})
            self._known[key] = Networks(models, key[1], None if plain == models else self.networks(plain, precision))
        return self._known[key]

    def networks_of(self, variant: str, precision: str = "bf16-mixed") -> Networks:
        """The models that a variant answers with."""
        return self.networks(self.study.models_of(self.study.mllm_of(variant)), precision)

    def frames_of(self, variant: str) -> KeyFrames:
        """A variant's frame budget."""
        return self.study.training_of(variant).key_frames

    def looking(self, networks: Networks, view: View) -> float:
        """FLOPs from frames and primitives to embeddings."""
        image = networks.tower.work.forward + networks.projector.forward
        return view.images * image + (view.deltas * networks.delta.forward if view.deltas else 0.0)

    def reading(self, networks: Networks, tokens: float) -> float:
        """FLOPs of a prompt of `tokens` tokens up to its first answer token."""
        return networks.sequence(tokens).work.forward + networks.head.forward

    def writing(self, networks: Networks, tokens: float, context: float) -> float:
        """GPU-seconds of `tokens` tokens written one by one behind `context`: what bounds them, arithmetic or memory."""
        arithmetic = self.given.seconds(networks.following(context) * tokens)
        return max(arithmetic, self.given.decoding(tokens, BF16 * networks.counts["language_model"]))

    def learning(self, networks: Networks, view: View, supervised: float, tower: bool, language_only: bool = False) -> Part:
        """Forward, backward and what is kept, of one sample: its view, a question and `supervised` answer tokens."""
        tokens = view.tokens + self.given.question_tokens + supervised
        whole = networks.sequence(tokens)
        head = networks.head * supervised
        work, light = whole.work + head, whole.checkpointed + head.kept
        if language_only:
            return Part(work, light)
        seen = networks.tower * view.images
        if not tower:
            seen = Part(Work(forward=seen.work.forward), 0.0)
        beside = networks.projector * view.images
        if view.deltas:
            beside = beside + networks.delta * view.deltas
        return Part(work + seen.work + beside, light + seen.checkpointed + beside.kept)

    def step_seconds(self, part: Part) -> float:
        """GPU-seconds of a training step's `part`; gradient checkpointing computes the forward pass once more."""
        again = part.work.forward if self.given.checkpointing else 0.0
        return self.given.seconds(part.work.step + again)
