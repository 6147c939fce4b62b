"""Re-encoding videos and reading them as codec primitives: motion τ and residual δ of fused P-frames."""

from framethrift.codec.encode import encode_frames, reencode
from framethrift.codec.encoded import Encoded
from framethrift.codec.errors import VideoRejected
from framethrift.codec.frame_table import CodedFrame, FrameTable, coded_frames, frame_table
from framethrift.codec.frames import read_frames, sample_times
from framethrift.codec.fused_video import FusedVideo, read_video
from framethrift.codec.fusion import warp
from framethrift.codec.gops import Gop, read_gops
from framethrift.codec.index import stream_digest
from framethrift.codec.probe import VideoFacts, probe
from framethrift.config.recipe import Recipe

__all__ = [
    "CodedFrame",
    "Encoded",
    "FrameTable",
    "FusedVideo",
    "Gop",
    "Recipe",
    "VideoFacts",
    "VideoRejected",
    "coded_frames",
    "encode_frames",
    "frame_table",
    "probe",
    "read_frames",
    "read_gops",
    "read_video",
    "reencode",
    "sample_times",
    "stream_digest",
    "warp",
]
