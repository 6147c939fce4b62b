"""Close pairs are found exactly, whether groups are skipped or not."""

import pytest
import torch

from framethrift.reducers import close_pairs as module
from framethrift.reducers.close_pairs import close_pairs
from framethrift.reducers.protocol import unit


def clustered(count: int, around: int, noise: float, width: int = 64) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    centres = torch.randn((around, width), generator=generator)
    which = torch.randint(around, (count,), generator=generator)
    return unit(centres[which] + noise * torch.randn((count, width), generator=generator))


@pytest.mark.parametrize("threshold", [-1.0, 0.3, 0.85, 0.95, 1.0])
@pytest.mark.parametrize(
    ("around", "noise"), [(12, 0.2), (12, 0.8), (3000, 0.0), (1, 0.0)], ids=["clear", "blurred", "none", "one"]
)
def test_every_pair_is_decided(threshold: float, around: int, noise: float) -> None:
    directions = clustered(3000, around, noise)
    rows = torch.arange(1, 3000, 7)
    cosines = directions[rows].double() @ directions.double().T
    found = close_pairs(directions, rows, threshold)
    # Only what float32 cannot tell from the threshold may differ.
    settled = (cosines - threshold).abs() > 1e-5
    assert found.shape == cosines.shape and torch.equal(found[settled], (cosines > threshold)[settled])


def test_far_groups_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: list[int] = []
    real = module._all
    monkeypatch.setattr(module, "_all", lambda *given: whole.append(1) or real(*given))
    close_pairs(clustered(3000, 12, 0.1), torch.arange(3000), 0.9)
    assert not whole
    close_pairs(clustered(3000, 1, 0.1), torch.arange(3000), 0.9)
    close_pairs(clustered(200, 12, 0.1), torch.arange(200), 0.9)
    assert len(whole) == 2


def test_a_direction_of_no_length_is_close_to_nothing() -> None:
    directions = clustered(3000, 12, 0.1)
    directions[5] = 0
    found = close_pairs(directions, torch.tensor([5, 6]), 0.5)
    assert not found[0].any() and not found[1, 5] and found[1, 6]
