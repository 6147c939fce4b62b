import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from framethrift.config.data import Dataset, MotionWorld, NeedleWorld

ADAPTER: TypeAdapter[Any] = TypeAdapter(Dataset)


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ({"kind": "motion_world", "window": 5}, r"window 5 must divide gop 16 .* allowed: \[2, 4, 8\]"),
        ({"kind": "motion_world", "window": 16}, "window 16 must divide gop 16"),
        ({"kind": "motion_world", "slow": 3.0}, "slow 3.0 must be below fast 3.0"),
        ({"kind": "motion_world", "object_size": 40}, "too small for two objects of 40 pixels .* allowed: at least 120 x 120"),
        ({"kind": "motion_world", "fast": 5.0}, "displaced by fast x window = 20 pixels; allowed: at least 114 x 114"),
        ({"kind": "motion_world", "videos": {"train": 0, "validation": 0, "test": 0}}, "the dataset would be empty"),
        ({"kind": "motion_world", "texture": 3}, "Extra inputs are not permitted"),
        ({"kind": "needle_world", "short_frames": [3, 2]}, r"short_frames \[3, 2\] must be two numbers"),
        ({"kind": "needle_world", "frames": 40}, "frames 40 cannot hold the longest events .* allowed: at least 53"),
        ({"kind": "needle_world", "short_events": 4, "long_events": 3}, "exceed the 6 shapes"),
        ({"kind": "needle_world", "object_size": 41}, "allowed: at most 40"),
        ({"kind": "clips", "folder": ""}, "at least 1 character"),
        ({"kind": "official", "folder": "a", "licence": "b"}, "listing"),
        ({"kind": "elsewhere"}, "motion_world"),
    ],
)
def test_impossible_settings_say_what_is_allowed(section: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ADAPTER.validate_python({"recipe": "small"} | section)


@pytest.mark.parametrize("world", [MotionWorld(recipe="r", fast=2.5, width=128), NeedleWorld(recipe="r", short_frames=(1, 1))])
def test_settings_survive_the_way_through_text(world: MotionWorld | NeedleWorld) -> None:
    assert ADAPTER.validate_json(world.model_dump_json()) == world


def test_importing_the_videos_layer_loads_no_torch() -> None:
    code = "import sys, framethrift.videos; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
