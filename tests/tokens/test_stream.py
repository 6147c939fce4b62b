"""The token stream: order, key-frame slots, thinning."""

import numpy as np
import pytest

from framethrift.config.sampling import Stream
from framethrift.tokens import plan_selected, plan_stream


def _slots(gops: int, slots: int) -> tuple[np.ndarray, np.ndarray]:
    times = np.arange(gops * slots, dtype=np.float64).reshape(gops, slots)
    return times, np.ones((gops, slots), dtype=bool)


@pytest.mark.parametrize(
    ("keyframes", "keys"), [(1, [0]), (2, [0, 4]), (4, [0, 2, 4, 6]), (6, [0, 1, 2, 4, 5, 6]), (8, list(range(8)))]
)
def test_key_frames_are_evenly_spaced(keyframes: int, keys: list[int]) -> None:
    items = plan_stream(*_slots(3, 8), Stream(keyframes_per_gop=keyframes))
    assert [item.time for item in items] == sorted(item.time for item in items)
    for gop in range(3):
        assert [item.slot for item in items if item.gop == gop and item.kind == "I"] == keys
        assert sum(item.gop == gop for item in items) == 8


def test_drop_leaves_only_key_frames() -> None:
    items = plan_stream(*_slots(3, 8), Stream(keyframes_per_gop=2, delta="drop"))
    assert [(item.kind, item.gop, item.slot) for item in items] == [("I", g, s) for g in range(3) for s in (0, 4)]


def test_other_delta_uses_keep_the_temporal_structure() -> None:
    kept = plan_stream(*_slots(2, 4), Stream(delta="keep"))
    assert kept == plan_stream(*_slots(2, 4), Stream(delta="zero")) == plan_stream(*_slots(2, 4), Stream(delta="swap"))


def test_invalid_tail_slots_are_left_out() -> None:
    times, valid = _slots(2, 4)
    valid[1, 2:] = False
    items = plan_stream(times, valid, Stream(keyframes_per_gop=2))
    assert [(item.kind, item.slot) for item in items if item.gop == 1] == [("I", 0), ("P", 1)]


def test_long_videos_are_thinned_uniformly() -> None:
    items = plan_stream(*_slots(100, 2), Stream(max_gops=64))
    gops = [item.gop for item in items if item.kind == "I"]
    assert gops == np.linspace(0, 99, 64).astype(int).tolist()
    assert len(set(gops)) == 64 and gops[0] == 0 and gops[-1] == 99
    assert [item.gop for item in items if item.kind == "P"] == gops


def test_empty_gops_do_not_use_up_the_limit() -> None:
    times, valid = _slots(4, 2)
    valid[1] = False
    assert {item.gop for item in plan_stream(times, valid, Stream(max_gops=3))} == {0, 2, 3}


def test_errors_name_the_values() -> None:
    times, valid = _slots(2, 4)
    with pytest.raises(ValueError, match="keyframes_per_gop 5 exceeds the 4 slots"):
        plan_stream(times, valid, Stream(keyframes_per_gop=5))
    with pytest.raises(ValueError, match="nothing to show"):
        plan_stream(times, np.zeros_like(valid), Stream())
    with pytest.raises(ValueError, match=r"times \(2, 4\) and valid \(2, 3\)"):
        plan_stream(times, valid[:, :3], Stream())


def test_a_summary_of_a_gop_stands_where_its_last_p_frame_stood() -> None:
    items = plan_stream(*_slots(2, 4), Stream(keyframes_per_gop=1, delta="gop-mean"))
    assert [(item.kind, item.gop, item.slot) for item in items] == [("I", 0, 0), ("P", 0, 3), ("I", 1, 0), ("P", 1, 3)]
    dense = plan_stream(*_slots(2, 4), Stream(keyframes_per_gop=4, delta="gop-mean"))
    assert [item.kind for item in dense] == ["I"] * 8


def test_chosen_frames_become_key_frames_and_every_other_slot_a_p_frame() -> None:
    items = plan_selected(*_slots(2, 4), [6.0, 1.2])
    assert [(item.kind, item.gop, item.slot) for item in items] == [
        ("I", 0, 1), ("P", 0, 2), ("P", 0, 3), ("P", 1, 1), ("I", 1, 2), ("P", 1, 3),
    ]  # fmt: skip
    # The codec's own I-frame has no primitives: it is shown where it was chosen, else left out.
    assert [(item.kind, item.slot) for item in plan_selected(*_slots(1, 3), [0.0])] == [("I", 0), ("P", 1), ("P", 2)]


def test_chosen_frames_keep_to_valid_slots_and_to_slots_of_their_own() -> None:
    times, valid = _slots(2, 4)
    valid[1, 2:] = False
    assert [item.time for item in plan_selected(times, valid, [7.0])] == [1.0, 2.0, 3.0, 5.0]
    with pytest.raises(ValueError, match="fall on one slot"):
        plan_selected(times, valid, [1.0, 1.4])
    with pytest.raises(ValueError, match="valid slot"):
        plan_selected(times, np.zeros_like(valid), [1.0])
