"""Figures as files of limited size, and labels with text from data sets."""

import base64
import io
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from matplotlib.figure import Figure

MAX_SIDE_PX = 8_000
"""Longest side of a picture; larger figures are saved with a lower resolution."""

MAX_TEXT = 60
"""Largest number of characters of a label; longer text is truncated."""


def save_figure(figure: "Figure", target: "Path | IO[bytes]", *, dpi: float, **options: Any) -> None:
    """Write a figure with at most `MAX_SIDE_PX` pixels per side.

    Args:
        figure: A figure of any size.
        target: File or buffer.
        dpi: Dots per inch; reduced if the picture would be too large.
        options: Options of `Figure.savefig`.
    """
    longest = float(max(figure.get_size_inches()))
    figure.savefig(target, dpi=min(dpi, MAX_SIDE_PX / longest), **options)


def data_uri(figure: "Figure", *, photographs: bool = False) -> str:
    """A figure as a `data:` URI: PNG, or JPEG if it shows photographs."""
    buffer = io.BytesIO()
    kind, options = ("jpeg", {"quality": 88}) if photographs else ("png", {})
    save_figure(figure, buffer, dpi=100, format=kind, bbox_inches="tight", facecolor="white", pil_kwargs=options)
    return f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def plain_label(text: str) -> str:
    r"""Text from a data set as a label: `$` is escaped, line breaks and control characters are blanks, long text is truncated.

    Example:
        >>> plain_label("Cranex $D$")
        'Cranex \\$D\\$'
    """
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    shortened = printable if len(printable) <= MAX_TEXT else printable[: MAX_TEXT - 1] + "…"
    return shortened.replace("$", r"\$")
