"""Figures as files of a limited size, and text from data sets in them."""

import base64
import io
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

MAX_SIDE_PX = 8_000
"""Longest side of a picture; a larger one is drawn with fewer dots per inch."""

MAX_TEXT = 60
"""Characters of a name from outside that a figure shows."""


def save_figure(figure: "Figure", target: "Path | IO[bytes]", *, dpi: float, **options: Any) -> None:
    """Write a figure with at most `MAX_SIDE_PX` a side.

    Args:
        figure: Of any size.
        target: File or buffer.
        dpi: Dots per inch, unless the figure would be too large.
        options: Of `Figure.savefig`.
    """
    longest = float(max(figure.get_size_inches()))
    figure.savefig(target, dpi=min(dpi, MAX_SIDE_PX / longest), **options)


def data_uri(figure: "Figure", *, photographs: bool = False) -> str:
    """A figure as a `data:` URI: PNG, or JPEG where it shows photographs."""
    buffer = io.BytesIO()
    kind, options = ("jpeg", {"quality": 88}) if photographs else ("png", {})
    save_figure(figure, buffer, dpi=100, format=kind, bbox_inches="tight", facecolor="white", pil_kwargs=options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def plain_label(text: str) -> str:
    r"""Text from outside as a label: `$` does not start a formula, lines and control characters are blanks, long text is cut.

    Example:
        >>> plain_label("Cranex $D$")
        'Cranex \\$D\\$'
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    shortened = printable if len(printable) <= MAX_TEXT else printable[: MAX_TEXT - 1] + "…"
    return shortened.replace("$", r"\$")
