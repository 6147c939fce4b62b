"""Pictures are parted by what a device's caches hold, and none is lost."""

import pytest
import torch

from framethrift.evaluation.portions import MOST, portions


@pytest.mark.parametrize(
    ("side", "device", "size"),
    [(384, "cpu", 7), (96, "cpu", MOST), (2048, "cpu", 1), (384, "cuda", MOST)],
)
def test_every_picture_is_in_one_portion(side: int, device: str, size: int) -> None:
    pictures = list(range(150))
    parts = [pictures[part] for part in portions(len(pictures), side, torch.device(device))]
    assert [picture for part in parts for picture in part] == pictures
    assert {len(part) for part in parts[:-1]} == {size} and 0 < len(parts[-1]) <= size


def test_no_picture_makes_no_portion() -> None:
    assert portions(0, 384, torch.device("cpu")) == []
