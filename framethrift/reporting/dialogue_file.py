"""Example conversations of a study: dialogues/<variant>/<sampling>/seed<k>.json."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import ValidationError

from framethrift.config import Layout, Study
from framethrift.config.cells import Dialogues
from framethrift.evaluation.recorded import Recording
from framethrift.reporting.cell_file import Problem, read_json


class Recordings:
    """Every recording that the study wants, in its order: held with the first seed, or the problem with its file."""

    def __init__(self, study: Study, layout: Layout) -> None:
        self.problems: list[Problem] = []
        self.found: dict[tuple[str, str], Recording] = {}
        self.files: dict[tuple[str, str], Path] = {}
        self._wanted = study.dialogues
        for own in study.dialogues:
            system = own.variant, own.sampling
            self.files[system] = layout.dialogue(*system, study.seeds[0])
            read = _read(own, self.files[system])
            if isinstance(read, Problem):
                self.problems.append(read)
            else:
                self.found[system] = read

    def benchmarks(self) -> dict[str, list[tuple[str, str]]]:
        """Benchmark → the systems that are asked its questions."""
        systems: dict[str, list[tuple[str, str]]] = {}
        for own in self._wanted:
            systems.setdefault(own.benchmark, []).append((own.variant, own.sampling))
        return systems

    def missing(self, system: tuple[str, str]) -> str:
        """Why a system's conversations cannot be shown; empty where they can."""
        return next((problem.what for problem in self.problems if problem.file == self.files[system]), "")


def _read(own: Dialogues, path: Path) -> Recording | Problem:
    place = f"conversations of {own.variant} / {own.sampling}"
    if not path.is_file():
        return Problem(place, path, "not run: no conversations recorded")
    content, problems = read_json(path, place)
    if problems:
        return problems[0]
    try:
        recording = Recording.model_validate(content)
    except ValidationError as error:
        return Problem(place, path, f"is no recording of conversations ({'; '.join(_complaints(error))})")
    told = recording.variant, recording.sampling, recording.benchmark
    if told != (own.variant, own.sampling, own.benchmark):
        return Problem(place, path, f"holds {' / '.join(told)}, the study asks for {own.benchmark}: run the step again")
    return recording


def _complaints(error: ValidationError) -> Iterator[str]:
    """The first complaints; a file of another kind has hundreds."""
    for item in error.errors(include_url=False)[:3]:
        yield f"{'.'.join(map(str, item['loc'])) or 'content'}: {item['msg']}"
