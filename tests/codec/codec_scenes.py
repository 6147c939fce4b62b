"""Small synthetic videos for the codec tests: textured, so that an encoder finds real vectors."""

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from framethrift.codec import read_gops


def texture(height, width, seed=0, cell=3):
    """Smooth-edged block noise, uint8 (height, width, 3)."""
    rng = np.random.default_rng(seed)
    cells = rng.integers(30, 226, (height // cell + 1, width // cell + 1, 3))
    return cells.repeat(cell, 0).repeat(cell, 1)[:height, :width].astype(np.uint8)


def pan(height, width, count, velocity, seed=0):
    """A camera that moves so that the content moves by ``velocity`` (x, y) pixels per frame, rounded down per frame."""
    vx, vy = velocity
    margin_x, margin_y = int(abs(vx) * count) + 1, int(abs(vy) * count) + 1
    world = texture(height + 2 * margin_y, width + 2 * margin_x, seed)
    for k in range(count):
        x, y = margin_x - int(np.floor(vx * k)), margin_y - int(np.floor(vy * k))
        yield world[y : y + height, x : x + width]


def moving_square(height, width, count, seed=0, noise=0):
    """A textured square bouncing over a textured background, with optional noise (which makes intra blocks)."""
    rng = np.random.default_rng(seed)
    background = texture(height, width, seed, cell=4)
    side = min(height, width) // 2
    square = texture(side, side, seed + 1, cell=2)
    speed = rng.uniform(-4, 4, 2)
    for k in range(count):
        frame = background.copy()
        y, x = (np.abs((speed * k).astype(int)) % [height - side + 1, width - side + 1]).tolist()
        frame[y : y + side, x : x + side] = square
        if noise:
            frame = np.clip(frame + rng.integers(-noise, noise + 1, frame.shape), 0, 255).astype(np.uint8)
        yield frame


def write_video(
    path: Path, frames, codec="libx264", rate=25, options=None, pts=None, time_base=None, audio=False, rotation_source=None
):
    """Any codec, any timestamps, as other people's files have them."""
    frames = list(frames)
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=Fraction(rate), width=width, height=height, options=options or {})
        if time_base:
            stream.codec_context.time_base = time_base
        sound = container.add_stream("aac", rate=16000) if audio else None
        for k, picture in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts = pts[k] if pts else k
            frame.time_base = time_base or 1 / Fraction(rate)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if sound:
            for k in range(10):
                tone = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                tone.sample_rate, tone.pts = 16000, 1024 * k
                container.mux(sound.encode(tone))
            container.mux(sound.encode(None))
    return path


def primitives_digest(path, window, jobs=1):
    """SHA-256 over everything that reading a file gives."""
    digest = hashlib.sha256()
    for gop in read_gops(path, window, jobs=jobs):
        for array in (gop.times, gop.frames, gop.motion, gop.residual):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def digests(arguments):
    """GOP number → digest of its arrays, field by field."""
    path, window, gops = arguments
    found = {}
    for gop in read_gops(path, window, gops):
        digest = hashlib.sha256()
        for name in ("times", "frames", "motion", "residual"):
            digest.update(np.ascontiguousarray(getattr(gop, name)).tobytes())
        found[gop.index] = digest.hexdigest()
    return found
