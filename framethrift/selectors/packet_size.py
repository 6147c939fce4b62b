"""Packet sizes: frames where the codec spent its bytes, known without decoding and without a question."""

import numpy as np

from framethrift.selectors.protocol import Indices, SelectionError, SelectorInput, fill, largest


def packet_size(inputs: SelectorInput) -> Indices:
    """The centres of K equal parts of the video, measured in bytes instead of seconds.

    A part that falls into one candidate's bytes would choose it again: the place goes to the largest candidate not taken.
    """
    if inputs.packet_bytes is None:
        raise SelectionError("packet_bytes: packet_size needs the bytes between candidates, which only a video file has")
    # One byte more for each: a video in which nothing happens is sampled uniformly.
    spent = np.cumsum(inputs.packet_bytes + 1)
    levels = (2 * np.arange(inputs.budget) + 1) * spent[-1]
    chosen = np.searchsorted(spent * (2 * inputs.budget), levels, side="right")
    return fill(chosen, largest(inputs.packet_bytes, inputs.frames), inputs.budget)
