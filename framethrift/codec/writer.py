"""The encoder behind a recipe: one temporary file, I- and P-frames only."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
from av.codec.context import Flags
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, Interpolation, VideoReformatter
from av.video.stream import VideoStream

from framethrift.codec.pictures import matrix_of, range_of
from framethrift.config.recipe import Recipe

_ENCODERS = {"mpeg4": "mpeg4", "h264": "libx264"}
# swscale's accurate-rounding and bit-exact switches: the same pixels on every processor.
_EXACT_BICUBIC = int(Interpolation.BICUBIC) | 0x40000 | 0x80000


def frame_rate(recipe: Recipe) -> Fraction:
    """The recipe's frame rate as the fraction that is written (29.97 becomes 2997/100)."""
    return Fraction(recipe.fps).limit_denominator(1001)


def encoder_name(recipe: Recipe) -> str:
    """The encoder and the build it is part of; equal names mean equal bytes."""
    versions = ".".join(str(part) for part in av.library_versions["libavcodec"])
    return f"{_ENCODERS[recipe.codec]} (libavcodec {versions}, PyAV {av.__version__})"


class StreamWriter:
    """Encodes frames into a temporary file beside the target."""

    def __init__(self, path: Path, recipe: Recipe, width: int, height: int) -> None:
        self._gop = recipe.gop
        self._count = 0
        self._rate = frame_rate(recipe)
        self._size = (width, height)
        self._reformatter = VideoReformatter()
        self._container = av.open(str(path), "w", format="mp4", container_options={"fflags": "+bitexact"})
        stream = self._container.add_stream(
            _ENCODERS[recipe.codec], rate=self._rate, width=width, height=height, time_base=1 / self._rate
        )
        self._stream = cast(VideoStream, stream)
        context = self._stream.codec_context
        context.gop_size = recipe.gop
        context.max_b_frames = 0
        # More threads cut the picture into slices, so the bytes would depend on the machine.
        context.thread_count = 1
        if recipe.codec == "mpeg4":
            context.qmin = context.qmax = recipe.quantiser
            if recipe.four_vectors:
                context.flags |= Flags.four_mv
            # Above 600 frames per GOP the encoder wants to be told that this is meant.
            context.options = {"sc_threshold": "1000000000", "strict": "experimental"}
        else:
            # One reference: FFmpeg's vectors do not say which reference they mean. No macroblock tree: with it, small pictures
            # came out with different bytes in about 1 of 25 runs (libx264's assembly; not without).
            fixed = "scenecut=0:bframes=0:ref=1:weightp=0:open-gop=0:threads=1:mbtree=0"
            parameters = f"keyint={recipe.gop}:min-keyint={recipe.gop}:{fixed}"
            context.options = {"crf": str(recipe.quantiser), "preset": "medium", "x264-params": parameters}

    def write(self, frame: VideoFrame) -> None:
        """Encode one frame, scaled to the writer's size and converted to BT.601 4:2:0."""
        width, height = self._size
        frame = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="yuv420p",
            src_colorspace=matrix_of(frame),
            dst_colorspace=int(Colorspace.ITU601),
            src_color_range=range_of(frame),
            dst_color_range=int(ColorRange.MPEG),
            interpolation=_EXACT_BICUBIC,
        )
        frame.pts = self._count
        frame.time_base = 1 / self._rate
        frame.pict_type = PictureType.I if self._count % self._gop == 0 else PictureType.NONE
        self._container.mux(self._stream.encode(frame))
        self._count += 1

    def finish(self) -> int:
        """Write what the encoder holds back and close the file; returns the number of frames."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._count

    def abandon(self) -> None:
        """Close the file as it is."""
        self._container.close()
