"""How fast the codec layer is, beside plain decoding and other ways: from perf/measured/codec.json, where it was measured."""

import json
from dataclasses import dataclass
from pathlib import Path

from framethrift.config.digest import ROOT
from framethrift.reporting.folder import ReportFolder
from framethrift.reporting.style import COLOURS, new_figure, save, styled

MEASURED = ROOT / "perf" / "measured" / "codec.json"
RULE = (
    "Frames of the file per second of wall time, one decoder thread, best of three runs (one at s = 1 above 360p) on the same "
    "file; the line is plain decoding. motion-vector-extractor gives raw vectors and pictures, no fused primitives; by itself it "
    "decodes on all cores."
)
# Key in the file, label, colour: ours in blue, decoding alone in grey, others in orange.
_WAYS = (
    ("plain", "plain decoding", COLOURS[7]),
    ("plain_with_vectors", "decoding with vectors", COLOURS[7]),
    ("fused_s1", "fused, s = 1", COLOURS[0]),
    ("fused_s10", "fused, s = 10", COLOURS[0]),
    ("fused_s30", "fused, s = 30", COLOURS[0]),
    ("fused_s30_two_processes", "fused, s = 30, two processes", COLOURS[0]),
    ("motion_vector_extractor", "motion-vector-extractor", COLOURS[1]),
    ("motion_vector_extractor_all_cores", "the same, all cores", COLOURS[1]),
    ("numpy_s30", "plain numpy, s = 30", COLOURS[1]),
)


@dataclass(frozen=True)
class CodecSpeed:
    """Frames per second by file ("360p mpeg4") and way, and what they were measured on."""

    rates: dict[str, dict[str, float]]
    conditions: str


def read_codec_speed(path: Path = MEASURED) -> CodecSpeed | None:
    """The measured figures; None where nobody measured. Raises ValueError for a file that is not what perf/codec.py writes."""
    if not path.is_file():
        return None
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        facts = found["conditions"]
        rates = {
            name: {key: float(row[key]) for key, _, _ in _WAYS if key in row} for name, row in found["frames_per_second"].items()
        }
        conditions = f"{facts['cpu']}, libavcodec {facts['libavcodec']}, Python {facts['python']}"
        if not rates or not all("plain" in row for row in rates.values()):
            raise ValueError("no file was measured, or one without plain decoding")
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path.name} is not what perf/codec.py writes ({error!r}); measure again") from error
    return CodecSpeed(rates, conditions)


@styled
def draw_codec_speed(speed: CodecSpeed, folder: ReportFolder, name: str) -> None:
    """One panel per file, one bar per way, each with its own scale; figures at the bars."""
    columns = min(2, len(speed.rates))
    rows = -(-len(speed.rates) // columns)
    figure, axes = new_figure(4.6 * columns, 2.3 * rows, rows, columns)
    for place, panel in enumerate(axes.flat):
        if place >= len(speed.rates):
            panel.set_axis_off()
            continue
        title, found = list(speed.rates.items())[place]
        ways = [(label, colour, found[key]) for key, label, colour in _WAYS if key in found]
        bars = panel.barh(range(len(ways)), [rate for *_, rate in ways], color=[colour for _, colour, _ in ways])
        panel.bar_label(bars, [f"{rate:,.0f}" for *_, rate in ways], padding=2, fontsize=7)
        panel.axvline(found["plain"], color="black", linewidth=0.8)
        panel.set_yticks(range(len(ways)), [label for label, *_ in ways], fontsize=7)
        panel.invert_yaxis()
        panel.grid(visible=False, axis="y")
        panel.set_xlim(0, 1.18 * max(rate for *_, rate in ways))
        panel.set_title(title)
        panel.set_xlabel("frames/s")
    save(figure, folder, name)
