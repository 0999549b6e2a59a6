"""Draws docs/phantom_overlay.png: a phantom with its 29 true landmarks and the ruler's two marks.

Run it from the project's root: `python docs/draw_phantom_overlay.py`.
"""

from io import BytesIO
from pathlib import Path

from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from PIL import Image

from ceph_pipeline.phantom.drawing import draw_cephalogram
from ceph_pipeline.phantom.specimen import sample_specimen, stream

PICTURE = Path(__file__).with_name("phantom_overlay.png")
SEED, INDEX, LONG_SIDE_PX = 42, 3, 950
DPI = 100
BELOW = {"Me": (-16, -10), "LMT": (-18, -11), "LPM": (4, -11), "UMT": (-18, 6), "UPM": (2, 6), "LIA": (-20, -3), "UIA": (-22, 3)}
"""Where a symbol is written, (right, up) of its point in pt, if not to the upper right."""

LEFT = {"R", "Go", "Ar", "PNS", "LIT", "p1", "p2"}


def main() -> None:
    """Draw the picture at one screen pixel per image pixel."""
    specimen = sample_specimen(INDEX, SEED, LONG_SIDE_PX)
    picture = draw_cephalogram(specimen, stream(SEED, INDEX, 1))
    height, width = picture.shape
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    axis = figure.add_axes((0, 0, 1, 1))
    axis.imshow(picture, cmap="gray", vmin=0, vmax=255)
    axis.axis("off")
    outline = [withStroke(linewidth=2, foreground="black")]
    for symbol, (x, y) in (specimen.landmarks_px() | specimen.ruler_px()).items():
        axis.plot(x, y, ".", color="#ff5050", markersize=6, markeredgecolor="white", markeredgewidth=0.4)
        shift = BELOW.get(symbol, (-8 - 6 * len(symbol), -3) if symbol in LEFT else (5, 4))
        axis.annotate(
            symbol, (x, y), xytext=shift, textcoords="offset points", color="#ffe45c", fontsize=8, weight="bold"
        ).set_path_effects(outline)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=DPI)
    Image.open(drawn).convert("RGB").quantize(64, dither=Image.Dither.NONE).save(PICTURE, optimize=True)  # half the bytes


if __name__ == "__main__":
    main()
