"""How long a linear layer takes on this CPU, forward and backward, through oneDNN and as torch does it, in the same run.

    python perf/linear.py --json perf/measured/linear.json

One thread, best of several rounds; rows are the tokens of eight or four conversations of the miniature.
"""

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from framethrift.files import write_json
from framethrift.latency.machine import machine_facts
from framethrift.memory import keep_freed_memory
from framethrift.models.cpu_linear import WORTHWHILE, multiply_by_onednn

SHAPES = [(96, 96), (96, 256), (256, 96), (128, 128)]  # features in and out
ROWS = (16, 1252, 2504)
LIMIT = 1.1  # the most that a layer may take of torch's time, whatever the CPU


def best(work: Callable[[], Any], rounds: int) -> float:
    """Least microseconds of CPU time that one of many calls took on average, of all rounds."""
    work()
    found = []
    for _ in range(rounds):
        began = time.process_time()
        for _ in range(20):
            work()
        found.append((time.process_time() - began) / 20 * 1e6)
    return min(found)


def layer(rows: int, given: int, made: int, rounds: int) -> dict[str, float]:
    """Microseconds of one layer in both ways, and their ratio."""
    plain, other = nn.Linear(given, made), nn.Linear(given, made)
    multiply_by_onednn(other)
    states, gradient = torch.randn(rows, given, requires_grad=True), torch.randn(rows, made)
    torchs, own = (best(lambda way=way: way(states).backward(gradient), rounds) for way in (plain, other))
    return {"torch_us": torchs, "onednn_us": own, "ratio": own / torchs}


def main() -> None:
    """Measure and print; write JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rounds")
    parser.add_argument("--json", type=Path, help="write the figures here")
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    keep_freed_memory()  # as every command does
    layers = {
        f"{rows}x{given} to {made}": layer(rows, given, made, 3 if chosen.quick else 25)
        for given, made in SHAPES
        for rows in ROWS
    }
    figures: dict[str, Any] = {"layers": layers, "worthwhile_multiply_adds": WORTHWHILE}
    figures["bars"] = {"never_slower": max(own["ratio"] for own in layers.values()) <= LIMIT}
    figures["machine"] = machine_facts(torch.device("cpu"))
    print(json.dumps(figures, indent=1))
    if chosen.json:
        write_json(chosen.json, figures)


if __name__ == "__main__":
    main()
