"""Which cells of a study tell what a question needs: asked without video, with shuffled frames, and as usual."""

from dataclasses import dataclass

from framethrift.config.benchmarks import load_benchmarks
from framethrift.config.sampling import Blind
from framethrift.config.study import Study

Pair = tuple[str, str]


@dataclass(frozen=True)
class Controls:
    """(variant, sampling) pairs by what their questions were shown."""

    blind: tuple[Pair, ...]
    shuffled: tuple[Pair, ...]
    normal: tuple[Pair, ...]

    @property
    def cells(self) -> tuple[Pair, ...]:
        """All of them."""
        return (*self.blind, *self.shuffled, *self.normal)


def controls_of(study: Study, variant: str) -> dict[str, Controls]:
    """Benchmark → controls, where the variant answers blind, with shuffled frames, and with the same frames in order.

    A text model (a baseline of the family text) asked the same questions counts as blind too. Judged benchmarks have none.
    """
    found = {}
    for name in dict.fromkeys(name for names in study.evaluations().values() for name in names):
        if load_benchmarks()[name].scoring == "judge":
            continue
        asked = [pair for pair, names in study.evaluations().items() if name in names]
        own = [pair for pair in asked if pair[0] == variant]
        readers = {other for other, settings in study.variants.items() if getattr(settings, "family", None) == "text"} | {variant}
        blind = [pair for pair in asked if pair[0] in readers and isinstance(study.samplings[pair[1]], Blind)]
        in_order = {pair: _in_order(study, pair[1]) for pair in own if _is_shuffled(study, pair[1])}
        shuffled = [pair for pair, partner in in_order.items() if (variant, partner) in own]
        normal = [(variant, str(in_order[pair])) for pair in shuffled]
        if (variant in {pair[0] for pair in blind}) and shuffled:
            found[name] = Controls(tuple(blind), tuple(shuffled), tuple(dict.fromkeys(normal)))
    return found


def _is_shuffled(study: Study, sampling: str) -> bool:
    return study.samplings[sampling].model_dump().get("order") == "shuffled"


def _in_order(study: Study, sampling: str) -> str | None:
    """Name of the sampling that shows the same in the order of time."""
    wanted = study.samplings[sampling].model_dump() | {"order": "time"}
    return next((name for name, other in study.samplings.items() if other.model_dump() == wanted), None)
