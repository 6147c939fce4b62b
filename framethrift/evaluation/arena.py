"""The arena's cells: many token reducers behind one model, which looks at every video once for all of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from framethrift import tracking
from framethrift.config import Layout, Study
from framethrift.config.sampling import Select, Stream
from framethrift.evaluation.evaluate import examination, metrics
from framethrift.evaluation.loading import Opened, load_other, load_variant, scoring_of
from framethrift.evaluation.shards import Cell
from framethrift.evaluation.shown import Ask, View, Viewer
from framethrift.evaluation.stopwatch import Stopwatch
from framethrift.reducers import observes

MEMORY = 2**30  # bytes of features that are remembered; the rest is seen again for every method


def evaluate_arena(study: Study, layout: Layout, variant: str, budget: int, seeds: Sequence[int]) -> None:
    """As `evaluate_cells` for every method of the arena at one budget in %, one after the other.

    A cell's seconds are those it would take alone: a look that is remembered is charged to every method that uses it.
    Raises KeyError for a variant or a budget that is not in the arena, and what `evaluate_cells` raises.
    """
    arena = study.arena
    if arena is None or variant not in arena.variants or budget not in arena.budgets:
        raise KeyError(f"study {study.name!r} has no arena of {variant!r} at {budget} %")
    shared = _SharedSight if study.backbone_of(variant) is None else _SharedBackbone
    params = {"arena": arena.model_dump(mode="json"), "budget": budget}
    name, entries = f"{variant}/{budget}", arena.entries(budget)
    with examination(Cell(study, layout, variant, entries[0], seeds[0])) as exam:
        for seed in seeds:
            with tracking.stage_run(layout, study, stage="arena", name=name, seed=seed, params=params) as run:
                sight = shared(study, layout, variant, arena.sampling, seed)
                for sampling in entries:
                    cell = Cell(study, layout, variant, sampling, seed)
                    figures = exam.take(cell, partial(sight.opened, cell))
                    run.log_metrics({f"{sampling}.{key}": value for key, value in metrics(figures).items()})


class _SharedSight:
    """A variant that answers under several samplings which differ in nothing but their reducers."""

    def __init__(self, study: Study, layout: Layout, variant: str, sampling: str, seed: int) -> None:
        self._loaded = load_variant(study, layout, variant, seed)
        scoring, digests = scoring_of(study, layout, sampling)
        self._digests = self._loaded.digests | digests
        whole = self._loaded.answerer(study.samplings[sampling], scoring)
        self._watch, self._viewer = whole.watch, _Remembering(whole.viewer, whole.watch)

    def opened(self, cell: Cell) -> Opened:
        """What answers for a cell."""
        sampling = cell.study.samplings[cell.sampling]
        assert isinstance(sampling, Stream | Select) and sampling.reducer is not None  # the arena made it
        self._watch.seconds.clear()  # of the method before
        own = self._viewer.seen_anew if observes(sampling.reducer.name) else self._viewer
        return self._loaded.reducing(sampling, own, self._watch), self._digests


class _SharedBackbone:
    """The same for a model of another class; what it makes of frames is too large to be remembered."""

    def __init__(self, study: Study, layout: Layout, variant: str, sampling: str, seed: int) -> None:
        self._loaded = load_other(study, layout, variant, seed)
        self._scoring, digests = scoring_of(study, layout, sampling)
        self._digests = self._loaded.digests | digests

    def opened(self, cell: Cell) -> Opened:
        """What answers for a cell."""
        return self._loaded.answerer(cell.study.samplings[cell.sampling], self._scoring), self._digests


@dataclass(frozen=True, eq=False)
class _Look:
    """Views, and the seconds that they took: in all, and by stage."""

    views: list[View]
    seconds: float
    stages: dict[str, float]


class _Remembering:
    """Another viewer's views, remembered for the same questions while their features fit into MEMORY.

    What they took is charged to `watch`, the viewer's own, each time they are used.
    """

    def __init__(self, viewer: Viewer, watch: Stopwatch) -> None:
        self.seen_anew, self._watch = viewer, watch
        self._looks: dict[tuple[Ask, ...], _Look] = {}
        self._left = MEMORY

    def __call__(self, asks: Sequence[Ask]) -> list[View]:
        """As `Viewer`."""
        known = self._looks.get(tuple(asks))
        if known is not None:
            self._watch.charge(known.seconds, known.stages)
            return known.views
        before, began = dict(self._watch.seconds), self._watch.now()
        views = self.seen_anew(asks)
        seconds = self._watch.now() - began
        tensors = {id(part): part for view in views for part in (view.shown.image_features, view.shown.delta_embeds)}
        size = sum(part.numel() * part.element_size() for part in tensors.values() if part is not None)
        if size <= self._left:
            spent = {name: value - before.get(name, 0.0) for name, value in self._watch.seconds.items()}
            stages = {name: value for name, value in spent.items() if value}
            self._looks[tuple(asks)] = _Look(views, seconds, stages)
            self._left -= size
        return views

    def cost(self, ask: Ask) -> int:
        """As `Viewer`."""
        return self.seen_anew.cost(ask)
