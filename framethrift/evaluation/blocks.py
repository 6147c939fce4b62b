"""Questions in blocks that are looked at and answered together, and blocks dealt out to shards.

Blocks follow from the cell's questions alone. So a shard, or a run that goes on after a kill, computes exactly what an
undisturbed single run computes: the same questions in the same batches.
"""

from collections.abc import Callable, Sequence

from framethrift.evaluation.decoding import TOKENS
from framethrift.evaluation.shown import Ask

VIDEOS = 8  # small videos looked at together; one that fills a batch alone stays alone


def blocks(asks: Sequence[Ask], cost: Callable[[Ask], int]) -> list[list[int]]:
    """Indices of `asks` in blocks: whole videos in order of dataset and id, as many as fit into a batch by their `cost`.

    The cost may depend on video and span.
    """
    by_video: dict[tuple[str, str], list[int]] = {}
    for index, ask in enumerate(asks):
        by_video.setdefault((ask.video.dataset, ask.video.video_id), []).append(index)
    found: list[list[int]] = []
    videos = tokens = 0
    for name in sorted(by_video):
        clips = {asks[index].span: asks[index] for index in by_video[name]}
        own = max(cost(ask) for ask in clips.values())
        if not found or videos == VIDEOS or tokens + own > TOKENS:
            found.append([])
            videos = tokens = 0
        found[-1] += by_video[name]
        videos, tokens = videos + 1, tokens + own
    return found


def dealt(found: Sequence[list[int]], shards: int) -> list[list[list[int]]]:
    """Blocks per shard, shards as even as whole blocks allow: the longest block goes to the shard with fewest questions."""
    mine: list[list[int]] = [[] for _ in range(shards)]  # block numbers
    load = [0] * shards
    for number in sorted(range(len(found)), key=lambda number: (-len(found[number]), number)):
        shard = load.index(min(load))
        mine[shard].append(number)
        load[shard] += len(found[number])
    return [[found[number] for number in sorted(numbers)] for numbers in mine]
