"""Every token reducer on cases small enough to follow by hand, and on its edges."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from framethrift.reducers import reduce
from framethrift.reducers.budget import bisect, bisect_steps, spread, threshold_for
from framethrift.reducers.flash_vstream import weighted_clusters
from framethrift.reducers.graph import components
from framethrift.reducers.pooling import pool_frames
from framethrift.reducers.protocol import Reduced, ReducerInput, ReductionError, merge
from framethrift.reducers.tiers import clustered, neighbour_likeness, news, otsu, ranked


def at(*degrees: float) -> Tensor:
    """Unit vectors in the plane."""
    angles = torch.tensor(degrees) * math.pi / 180
    return torch.stack([angles.cos(), angles.sin()], dim=-1)


def video(frames: list[Tensor], grid: tuple[int, int], share: float = 0.5, **more) -> ReducerInput:
    tokens = torch.stack(frames)
    return ReducerInput(tokens, [float(t) for t in range(len(tokens))], grid, share, **more)


def numbered(frames: int, rows: int, columns: int, share: float, **more) -> ReducerInput:
    """Tokens whose only value is their number."""
    tokens = torch.arange(float(frames * rows * columns)).view(frames, rows * columns, 1)
    return ReducerInput(tokens, range(frames), (rows, columns), share, **more)


def kept(reduced: Reduced) -> list[int]:
    return [int(value) for value in reduced.tokens[:, 0]]


def members(reduced: Reduced) -> list[list[int]]:
    return [sorted(reduced.origin[reduced.into == index].tolist()) for index in range(reduced.count)]


def test_uniform_takes_the_centres_of_equal_parts():
    assert kept(reduce("uniform", numbered(2, 2, 2, 0.5))) == [1, 3, 5, 7]
    assert kept(reduce("uniform", numbered(3, 1, 1, 0.4))) == [1]
    reduced = reduce("uniform", numbered(2, 2, 3, 0.25))
    assert kept(reduced) == [2, 6, 10] and reduced.places.tolist() == [[0, 0, 2], [1, 0, 0], [1, 1, 1]]


def test_random_draws_every_token_alike_and_by_the_seed():
    counts = torch.zeros(6)
    for seed in range(600):
        counts[kept(reduce("random", numbered(2, 1, 3, 0.34, seed=seed)))] += 1
    assert counts.sum() == 1200 and (counts / 600 - 1 / 3).abs().max() < 0.07


def test_recent_takes_whole_frames_from_the_end():
    assert kept(reduce("recent", numbered(5, 1, 2, 0.5))) == [6, 7, 8, 9]
    assert kept(reduce("recent", numbered(5, 1, 2, 0.01))) == [8, 9], "one frame is the least"
    assert kept(reduce("recent", numbered(3, 1, 2, 0.3), frames=9)) == [0, 1, 2, 3, 4, 5]


def test_pllava_averages_boxes_as_torch_does():
    given = ReducerInput(torch.randn(5, 15, 4), range(5), (3, 5), 0.5)
    reduced = reduce("pllava", given, size=(2, 2, 3))
    planes = given.tokens.view(5, 3, 5, 4).permute(3, 0, 1, 2)[None]
    expected = torch.nn.functional.adaptive_avg_pool3d(planes, (2, 2, 3))[0].permute(1, 2, 3, 0).reshape(12, 4)
    torch.testing.assert_close(reduced.tokens, expected)
    for index, origin in enumerate(members(reduced)):
        torch.testing.assert_close(reduced.tokens[index], given.flat()[origin].mean(0))
        torch.testing.assert_close(reduced.places[index], given.places()[origin].mean(0))


def test_pllava_keeps_time_until_one_token_per_frame_is_too_many():
    for share, size in ((0.25, (4, 2, 2)), (0.4, (4, 2, 3)), (0.07, (4, 1, 1)), (0.04, (2, 1, 1)), (1.0, (4, 4, 4))):
        assert tuple(reduce("pllava", numbered(4, 4, 4, share)).knobs.values()) == size
    assert kept(reduce("pllava", numbered(4, 1, 1, 0.5))) == [0, 2], "means 0.5 and 2.5 of frames in pairs"
    with pytest.raises(ReductionError, match="size"):
        reduce("pllava", numbered(4, 4, 4, 0.5), size=(5, 4, 4))


def test_dycoke_compares_second_with_first_fourth_with_third_third_with_first():
    # Angles per frame for two places; k = 0.5 keeps of a compared frame the place that turned more.
    frames = [at(0, 0), at(10, 50), at(80, 20), at(90, 85)]
    reduced = reduce("dycoke", video(frames, (1, 2)), k=0.5)
    # Frame 1 to 0: 10 and 50 degrees; frame 3 to 2: 10 and 65; frame 2 to 0: 80 and 20.
    assert reduced.origin.tolist() == [0, 1, 3, 4, 7]
    # The budget of 5 of 8 drives k to the same; 4 leaves nothing of compared frames but the floor of one whole frame.
    assert reduce("dycoke", video(frames, (1, 2), 0.63)).origin.tolist() == [0, 1, 3, 4, 7]
    assert reduce("dycoke", video(frames, (1, 2), 0.5)).origin.tolist() == [0, 1]
    assert reduce("dycoke", video(frames[:1], (1, 2), 0.5)).count == 2


def test_dycoke_keeps_the_published_share_of_32_frames():
    given = ReducerInput(torch.randn(32, 196, 8), range(32), (14, 14), 0.5)
    assert reduce("dycoke", given, k=0.7).count / (32 * 196) == pytest.approx(0.475, abs=0.003)


def test_dycoke_release_leaves_a_third_frame_and_loses_an_odd_last_one():
    same = [at(0, 0)] * 7
    paper, release = (reduce("dycoke", video(same, (1, 2)), k=1.0, release=flag) for flag in (False, True))
    assert paper.origin.tolist() == [0, 1, 8, 9]
    # Frames 0 and 4 start windows; the release loses frame 6 as the odd last one, and of the six left the third frame of the last
    # full window, 2, stays whole.
    assert release.origin.tolist() == [0, 1, 4, 5, 8, 9]


def test_timechat_drops_above_the_threshold_against_the_full_frame_before():
    # Place 0 turns by 10 degrees each time, place 1 by 40: against the frame before, never against the last kept token.
    frames = [at(0, 0), at(10, 40), at(20, 80), at(30, 120)]
    limit = math.cos(math.radians(20))
    assert reduce("timechat_online", video(frames, (1, 2)), threshold=limit).origin.tolist() == [0, 1, 3, 5, 7]
    driven = reduce("timechat_online", video(frames, (1, 2), 0.65))
    assert driven.origin.tolist() == [0, 1, 3, 5, 7]
    assert math.cos(math.radians(40)) <= driven.knobs["threshold"] < math.cos(math.radians(10))
    assert reduce("timechat_online", video(frames, (1, 2)), per_frame=0.5).origin.tolist() == [0, 1, 3, 5, 7]
    assert reduce("timechat_online", video([at(5, 5)] * 3, (1, 2), 0.5)).origin.tolist() == [0, 1], "equal tokens go together"


def test_cacheflow_drops_at_the_threshold_but_never_a_whole_frame():
    frames = [at(0, 0), at(90, 0), at(90, 30), at(90, 30)]
    # Cosines: 0 and 1; 1 and 0.866; 1 and 1. Place 1 of frame 2 is above the threshold, yet it is the frame's least similar.
    assert reduce("cacheflow", video(frames, (1, 2)), threshold=0.5).origin.tolist() == [0, 1, 2, 5, 6]
    assert reduce("cacheflow", video(frames, (1, 2), 0.01)).origin.tolist() == [0, 1, 2, 5, 6]
    assert reduce("cacheflow", video(frames, (1, 2)), threshold=2.0).count == 8


def test_visionzip_keeps_the_attended_and_merges_the_rest_by_keys():
    attention = torch.tensor([[9.0, 1, 8, 1, 7, 6, 5, 1, 1]])
    keys = at(0, 10, 0, 90, 0, 0, 0, 80, 12)[None]
    given = numbered(1, 3, 3, 0.78, attention=attention, keys=keys)  # 7 tokens: 6 dominant, 1 contextual
    reduced = reduce("visionzip", given)
    # Dominant 0, 2, 4, 5, 6 and the first of equals, 1; of 3, 7, 8 the target is 3, with the mean of 7 and 8 added.
    assert kept(reduced) == [0, 1, 2, 3 + 7.5, 4, 5, 6] or reduced.tokens[:, 0].tolist() == [0, 1, 2, 10.5, 4, 5, 6]
    assert members(reduced)[3] == [3, 7, 8]
    halved = reduce("visionzip", given, average=True)
    assert halved.tokens[:, 0].tolist() == [0, 1, 2, 5.25, 4, 5, 6]


def test_visionzip_assigns_to_the_target_with_the_closest_key():
    # 13 of 16 tokens: 2 contextual. Every second of the five left over is a target: 11, 13; 12 and 15 point as 13, 14 as 11.
    attention = torch.tensor([[float(16 - n) for n in range(16)]])
    keys = at(*[0.0] * 11, 0, 88, 90, 3, 85)[None]
    reduced = reduce("visionzip", numbered(1, 4, 4, 13.5 / 16, attention=attention, keys=keys))
    assert members(reduced)[11:] == [[11, 14], [12, 13, 15]]
    assert reduced.tokens[11:, 0].tolist() == [11 + 14, 13 + 13.5]


def test_visionzip_spreads_fewer_tokens_than_frames():
    reduced = reduce("visionzip", numbered(4, 1, 2, 0.25, attention=torch.tensor([[0.0, 1.0]] * 4), keys=torch.ones(4, 2, 1)))
    assert kept(reduced) == [3, 7]


def test_union_find_follows_chains_to_the_end():
    chain = np.zeros((6, 6), dtype=bool)
    for first, second in ((4, 5), (3, 4), (1, 3), (0, 1)):
        chain[first, second] = chain[second, first] = True
    assert components(chain, np.arange(6))[0].tolist() == [0, 0, 2, 0, 0, 0]
    # Edges of vertices 0 and 4 only.
    assert components(chain[[0, 4]], np.array([0, 4]))[0].tolist() == [0, 0, 2, 3, 3, 3]
    assert components(chain, np.arange(6))[1].tolist() == [1, 2, 0, 2, 2, 1]


def test_scissor_joins_chains_in_space_then_in_time_and_adds_every_token():
    # Frame 0: 0-20-40 is a chain at 25 degrees though its ends are not close; 120 alone. Frame 1: 20 alone, the rest at 130.
    frames = [at(0, 20, 40, 120), at(20, 130, 131, 132)]
    reduced = reduce("llava_scissor", video(frames, (1, 4)), threshold=math.cos(math.radians(25)))
    # In space: {0, 1, 2}, {3}, {4}, {5, 6, 7}; in time the first mean (at 20 degrees) joins 4, and 3 joins the last.
    assert members(reduced) == [[0, 1, 2, 4], [3, 5, 6, 7]]
    # Best connected: 1 (two neighbours) with the same degree in time as 4, hence the earlier; of 120 and 130: vertex 3.
    assert reduced.places.tolist() == [[0, 0, 1], [0, 0, 3]]
    spatial = [frames[0][:3].mean(0), frames[0][3], frames[1][0], frames[1][1:].mean(0)]
    joined = [(spatial[0] + spatial[2]) / 2, (spatial[1] + spatial[3]) / 2]
    first = (frames[0][:3].sum(0) + frames[1][0] + joined[0]) / 5
    second = (frames[0][3] + frames[1][1:].sum(0) + joined[1]) / 5
    torch.testing.assert_close(reduced.tokens, torch.stack([first, second]))


def test_scissor_drives_its_threshold():
    generator = torch.Generator().manual_seed(0)
    things = torch.randn((12, 16), generator=generator)
    tokens = things[torch.randint(12, (8, 16), generator=generator)] + 0.15 * torch.randn((8, 16, 16), generator=generator)
    for share in (0.1, 0.3, 0.6):
        given = ReducerInput(tokens, range(8), (4, 4), share)
        reduced = reduce("llava_scissor", given)
        assert 0.8 * given.budget <= reduced.count <= given.budget
        again = reduce("llava_scissor", given, threshold=reduced.knobs["threshold"])
        assert torch.equal(again.tokens, reduced.tokens)


def test_longvlm_halves_until_the_target_is_near():
    # One segment of 2 frames with 4 tokens, width 2 and one pseudo-head per 2 features; firsts 0 2 4 6, seconds 1 3 5 7.
    frames = [at(0, 1, 90, 200), at(2, 180, 91, 300)]
    reduced = reduce("longvlm", video(frames, (2, 2)), heads=1, per_segment=6)
    # Features are means over the pseudo-heads: one head, so the vectors. Best pairs: 0-1 (1 degree), 4-1 (1 degree).
    # In the order of where they stand: the mean of two tokens of frame 0 and one of frame 1 comes after frame 0's others.
    assert members(reduced) == [[2], [3], [0, 1, 4], [5], [6], [7]]
    torch.testing.assert_close(reduced.tokens[2], torch.cat(frames)[[0, 1, 4]].mean(0))
    assert reduced.places[2].tolist() == pytest.approx([1 / 3, 0, 1 / 3])


def test_longvlm_weighs_means_by_what_they_stand_for():
    same = [at(0, 0, 0, 0)] * 2 + [at(90, 90, 90, 90)]
    reduced = reduce("longvlm", video(same, (2, 2)), heads=2, per_segment=1)
    torch.testing.assert_close(reduced.tokens[0], torch.cat(same).mean(0))
    with pytest.raises(ReductionError, match="heads: 3"):
        reduce("longvlm", video(same, (2, 2)), heads=3)


def test_longvlm_shares_the_budget_over_segments_of_ten():
    given = ReducerInput(torch.randn(23, 4, 16), range(23), (2, 2), 0.25)
    reduced = reduce("longvlm", given)
    assert reduced.count == 23
    per_segment = torch.bincount(torch.div(reduced.places[:, 0], 10, rounding_mode="floor").long())
    assert per_segment.tolist() == [10, 10, 3]
    assert all(len({origin // 40 for origin in group}) == 1 for group in members(reduced)), "no group crosses segments"


def test_curvestream_keeps_where_the_path_moves_or_bends():
    # Ever smaller steps, of which the first scored one starts the averages; then a jump at frame 5 and stillness.
    angles = [0, 8, 14, 18, 20, 60, 60, 60]
    frames = [at(angle).expand(4, 2) for angle in angles]
    reduced = reduce("curvestream", video(frames, (2, 2)), k=1.0)
    assert sorted(set(reduced.places[:, 0].tolist())) == [2, 5, 7], "the start, the jump, and the question's frame"
    assert reduced.count == 3 * 4
    tight = reduce("curvestream", video(frames, (2, 2), 0.2))
    assert tight.places[:, 0].tolist() == [7] * 4


def test_curvestream_by_its_formulas():
    rng = np.random.default_rng(0)
    frames = torch.from_numpy(rng.normal(size=(12, 36, 5))).float() + 2
    decay, k, gap, weight = 0.8, 0.2, 0.7, 0.4
    features = frames.mean(1).numpy().astype(np.float64)
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    mean, variance, expected = None, 0.0, [0, 0]
    for t in range(2, 12):
        steps = unit[t - 1] - unit[t - 2], unit[t] - unit[t - 1]
        bend = 1 - steps[0] @ steps[1] / np.linalg.norm(steps[0]) / np.linalg.norm(steps[1])
        score = 1 - unit[t] @ unit[t - 1] + weight * bend
        mean = score if mean is None else mean
        mean = decay * mean + (1 - decay) * score
        variance = decay * variance + (1 - decay) * (score - mean) ** 2
        level = 36 if score >= mean + (k + gap) * variance**0.5 else 16 if score >= mean + k * variance**0.5 else 0
        expected.append(36 if t == 11 else level)
    given = ReducerInput(frames, range(12), (6, 6), 0.5)
    reduced = reduce("curvestream", given, k=k, gap=gap, decay=decay, curvature=weight)
    counts = torch.bincount(reduced.places[:, 0].long(), minlength=12).tolist()
    assert counts == expected and 16 in expected
    queued = reduce("curvestream", given, k=k, gap=gap, decay=decay, curvature=weight, queue=2)
    assert len(set(queued.places[:, 0].tolist())) == 2 and queued.places[-1, 0] == 11


def test_otsu_splits_two_levels_and_neighbours_look_around():
    assert otsu(torch.tensor([[0.1, 0.1, 0.1, 1.5, 1.5]])).item() > 0.1
    assert otsu(torch.tensor([[0.1, 0.1, 0.1, 1.5, 1.5]])).item() <= 1.5
    here, there = at(0, 45, 90, 180), at(180, 0, 45, 90)
    # In a row of four, place 1's neighbours are 180, 0 and 45; place 3's are 45 and 90.
    found = neighbour_likeness(here[None], there[None], (1, 4))
    torch.testing.assert_close(found[0], torch.tensor([1.0, 1.0, 1.0, 0.0]), atol=1e-6, rtol=0)


def test_savemem_middle_tier_keeps_what_neighbours_do_not_show():
    still, other = at(0, 0, 0, 0), at(0, 0, 0, 120)
    frames = torch.stack([still, other, still, still])
    meaning = torch.zeros(4, 4)
    kept_cells = news(frames, meaning, (1, 4))
    # Frame 1's last place is not repeated in frame 2 (its neighbours are); frames 0 and 2 are all repeated.
    assert kept_cells.tolist() == [[False] * 4, [False, False, False, True], [False] * 4]


def test_savemem_long_tier_ranks_by_quadrant_or_clusters():
    meaning = torch.linspace(0, 1, 64)
    stay = ranked(torch.ones(64, dtype=torch.bool), meaning, (8, 8))
    # 0.15 + 0.25 * 0.5 = 0.275 of 64: 18 (17.6 rounded), four per quadrant and two more.
    assert stay.sum() == 18
    quadrants = stay.view(2, 4, 2, 4).sum(dim=(1, 3))
    assert quadrants.tolist() == [[4, 4], [4, 6]]
    cells = torch.tensor([True, True, False, True])
    into = clustered(cells, torch.cat([at(0, 4, 50), at(90)]), (1, 4))
    assert into.tolist()[2] == -1 and into.tolist()[3] == 3


def test_savemem_fills_short_tier_and_forgets_by_meaning():
    words = at(0)

    def given(share: float) -> ReducerInput:
        generator = torch.Generator().manual_seed(0)
        return ReducerInput(torch.randn((30, 16, 2), generator=generator), range(30), (4, 4), share, words=lambda text: words)

    fixed = reduce("savemem", given(1.0), short=2, medium=3)
    assert (fixed.places[:, 0] >= 28).sum() == 32, "the newest two are whole"
    tight = reduce("savemem", given(0.1))
    assert tight.count == 48 and (tight.places[:, 0] == 29).sum() == 16


def test_flash_vstream_orders_detail_before_history():
    # Frames 0-2 and 3-7 show two scenes; frame 4 is closest to the middle of its scene.
    scenes = [0.0, 0.1, 0.2, 9.4, 9.0, 9.2, 8.6, 8.8]
    given = ReducerInput(torch.tensor(scenes)[:, None, None].expand(8, 4, 1).clone(), range(8), (2, 2), 0.2)
    reduced = reduce("flash_vstream", given, clusters=2)
    assert reduced.tokens[:, 0].tolist() == pytest.approx([9.0] * 4 + [0.1, 9.0])
    assert reduced.places[:, 0].tolist() == [4] * 4 + [1, 5]
    assert reduced.places[4:, 1:].tolist() == [[0.5, 0.5]] * 2
    assert members(reduced)[4] == list(range(12)) and members(reduced)[0] == [16]
    # Two slots of a quarter frame and one full frame are 6 tokens: what 20 % of 32 holds.
    assert reduce("flash_vstream", given).knobs == {"clusters": 2}


def test_clusters_are_lloyds_and_in_temporal_order():
    features = torch.randn((40, 300), generator=torch.Generator().manual_seed(2)) + torch.arange(40)[:, None] // 10 * 3
    group, sizes = weighted_clusters(features, 5, seed=0)
    centroids = torch.stack([features[group == index].mean(0) for index in range(len(sizes))])
    assert torch.equal(torch.cdist(features, centroids).argmin(1), group), (
        "a fixed point: every frame is with its nearest centroid"
    )
    times = [float(torch.arange(40.0)[group == index].mean()) for index in range(len(sizes))]
    assert times == sorted(times) and sizes.sum() == 40


def test_videoscan_forgets_the_earlier_of_the_most_similar_neighbours():
    frames = [at(angle).expand(2, 2) for angle in (0, 50, 53, 120, 121)]
    # Limit 3: frame 3 arrives as the fourth: 50 and 53 are closest, 50 goes; then 120 and 121: 120 goes.
    reduced = reduce("videoscan", video(frames, (1, 2)), limit=3)
    assert reduced.places.tolist() == [[0, 0, 0.5], [2, 0, 0.5], [4, 0, 0.5]]
    torch.testing.assert_close(reduced.tokens, at(0, 53, 121))
    assert reduce("videoscan", video(frames, (1, 2), 0.9)).count == 5, "one carrier per frame is the most there is"


def test_knobs_are_driven_to_the_budget():
    assert bisect(lambda knob: int(knob * 10), 0.0, 1.0, 4) == pytest.approx(0.5, abs=1e-5)
    assert bisect(lambda knob: 3, 0.0, 1.0, 4) == 1.0 and bisect(lambda knob: 5, 0.0, 1.0, 4) == 0.0
    assert bisect_steps(lambda step: step * step, 1, 9, 30) == 5 and bisect_steps(lambda step: 99, 1, 9, 30) == 1
    values = torch.tensor([0.1, 0.4, 0.4, 0.9])
    for room, below in ((0, 0), (1, 1), (2, 1), (3, 3), (4, 4), (9, 4), (-2, 0)):
        assert int((values < threshold_for(values, room)).sum()) == below
    assert spread(7, 3) == [2, 2, 3] and spread(2, 5) == [0, 0, 1, 0, 1] and sum(spread(64, 7)) == 64


def test_pooling_leaves_a_full_grid_alone_and_merging_needs_members():
    tokens = torch.randn(2, 6, 3)
    assert torch.equal(pool_frames(tokens, (2, 3), (2, 3)), tokens)
    with pytest.raises(ReductionError, match="1 of 3 groups"):
        merge(numbered(1, 2, 2, 0.5), torch.tensor([0, 0, 2, -1]), 3)
