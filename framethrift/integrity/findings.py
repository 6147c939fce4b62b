"""What a check-up finds, and the commands that repair it."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Finding:
    """Something wrong, or (`untidy`) merely left over.

    To repair it, run `commands`, delete `remove`, and let Snakemake make `make`, in this order.
    """

    path: str
    what: str
    remove: tuple[str, ...] = ()
    make: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    untidy: bool = False

    @classmethod
    def remade(cls, path: Path | str, what: str, *, output: Path | str, beside: Sequence[Path | str] = ()) -> "Finding":
        """A finding that is repaired by deleting a declared output (and files `beside` it) and making it again."""
        return cls(str(path), what, remove=(str(output), *map(str, beside)), make=(str(output),))


def repairs(findings: Sequence[Finding], snakemake: str) -> list[str]:
    """Command lines that repair all findings, in order; `snakemake` is the command that runs the study."""
    commands = list(dict.fromkeys(command for finding in findings for command in finding.commands))
    remove = list(dict.fromkeys(path for finding in findings for path in finding.remove))
    make = list(dict.fromkeys(path for finding in findings for path in finding.make))
    if remove:
        commands.append(shlex.join(["rm", "-rf", "--", *remove]))
    if make:
        # By name, and then the whole: what nothing asks for any more would not be made, nor what rests on it.
        commands.append(f"{snakemake} -- {shlex.join([*make, 'all'])}")
    return commands
