"""Token reducers by name: one module each, which says what it is in its `REDUCER`. Naming them imports no torch."""

import importlib
import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from framethrift.reducers.layers import LayerReducer
    from framethrift.reducers.protocol import Reduced, Reducer, ReducerInput

# Between the projector and the language model.
REDUCERS = (
    "uniform",
    "random",
    "recent",
    "pllava",
    "dycoke",
    "visionzip",
    "llava_scissor",
    "timechat_online",
    "longvlm",
    "curvestream",
    "savemem",
    "flash_vstream",
    "videoscan",
    "cacheflow",
)
# On the layers of the language model.
LAYER_REDUCERS = (
    "fastv",
    "dycoke_decode",
    "quickvideo",
    "videollm_mod",
)


def reducer(name: str) -> "Reducer":
    """The token reducer `name`. Raises ReductionError for an unknown name."""
    from framethrift.reducers.protocol import ReductionError

    if name not in REDUCERS:
        raise ReductionError(f"token reducer {name!r} is not registered; allowed: {sorted(REDUCERS)}")
    found: Reducer = importlib.import_module(f"{__name__}.{name}").REDUCER
    return found


def observes(name: str) -> bool:
    """Whether the method reads the vision encoder's attention or keys. Raises ReductionError for an unknown name."""
    return name not in LAYER_REDUCERS and not {"attention", "keys"}.isdisjoint(reducer(name).needs)


def layer_reducer(name: str, share: float, **options: Any) -> "LayerReducer":
    """The layer reducer `name`, keeping `share` of the visual tokens where it works. Raises ReductionError for what it is not."""
    from framethrift.reducers.protocol import ReductionError

    if name not in LAYER_REDUCERS:
        raise ReductionError(f"layer reducer {name!r} is not registered; allowed: {sorted(LAYER_REDUCERS)}")
    if not 0 < share <= 1:
        raise ReductionError(f"share: {share}; allowed: above 0, at most 1")
    build = importlib.import_module(f"{__name__}.{name}").REDUCER
    _require_options(name, build, {"share": share, **options})
    made: LayerReducer = build(share=share, **options)
    return made


def reduce(name: str, inputs: "ReducerInput", **options: Any) -> "Reduced":
    """What the reducer `name` keeps of a video; `options` are the method's own, by its module's docstring.

    Raises ReductionError for an unknown name or option, a missing input, or a reducer that breaks the protocol: too many tokens
    (unless an option sets the knob that the budget would drive), a place outside the video, a kept token of no origin, or NaN.
    """
    from framethrift.reducers.checks import require_valid
    from framethrift.reducers.protocol import ReductionError

    method = reducer(name)
    for need in method.needs:
        if getattr(inputs, need) is None:
            raise ReductionError(f"{need}: reducer {name!r} needs it")
    _require_options(name, method.reduce, options)
    reduced = method.reduce(inputs, **options)
    require_valid(name, method, inputs, reduced, driven=options.keys().isdisjoint(method.fixes))
    return reduced


def _require_options(name: str, build: Any, options: dict[str, Any]) -> None:
    from framethrift.reducers.protocol import ReductionError

    allowed = {key for key, value in inspect.signature(build).parameters.items() if value.kind is value.KEYWORD_ONLY}
    if unknown := sorted(options.keys() - allowed):
        raise ReductionError(f"options: reducer {name!r} has no {unknown}; allowed: {sorted(allowed - {'share'})}")


__all__ = ["LAYER_REDUCERS", "REDUCERS", "layer_reducer", "observes", "reduce", "reducer"]
