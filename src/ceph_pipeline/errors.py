"""What the errors of this project have in common: their message says what was found, what was expected, and the way out."""

import difflib
import unicodedata
from collections.abc import Iterable

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode's categories of what moves a cursor, ends a line, turns the direction of writing or is no character."""


class CephError(Exception):
    """An error that explains itself: `kedro run` shows its message without a traceback."""


class InvalidValueError(CephError, ValueError):
    """An argument or a setting has a value that cannot be used."""


def printable(text: str, *, keep: str = "") -> str:
    r"""Text from outside as it may reach a terminal, a log or a table: control characters and bytes that are no text are escaped.

    Args:
        text: Any.
        keep: Characters that stay, such as line feeds of a text of several lines.

    Example:
        >>> printable("Müller\x1b[31m\n")
        'Müller\\x1b[31m\\n'
    """
    if text.isprintable():
        return text
    return "".join(
        ascii(letter)[1:-1] if letter not in keep and unicodedata.category(letter) in _UNSAFE else letter for letter in text
    )


def first_of(names: Iterable[str], n: int) -> str:
    """The first `n` of some names, for a message: `a, b, …`."""
    names = list(names)
    return ", ".join(names[:n]) + (", …" if len(names) > n else "")


def did_you_mean(name: str, known: Iterable[str], *, n: int = 2, cutoff: float = 0.6) -> str:
    """The end of a message about an unknown name: up to `n` known ones at least as similar as `cutoff`; empty without any.

    Upper and lower case count as the same.

    Example:
        >>> did_you_mean("COKO", ["coco", "cvat"])
        " Did you mean 'coco'?"
    """
    spelt = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), spelt, n=n, cutoff=cutoff)
    return f" Did you mean {' or '.join(repr(spelt[each]) for each in near)}?" if near else ""


def known_here(name: str, known: Iterable[str]) -> str:
    """The end of a message about an unknown name where few are known: the nearest, else all of them.

    Example:
        >>> known_here("lerning_rate", ["epochs", "learning_rate"])
        " Did you mean 'learning_rate'?"
        >>> known_here("colour", ["epochs", "learning_rate"])
        ' Known here: epochs, learning_rate.'
    """
    known = list(known)
    return did_you_mean(name, known, cutoff=0.5) or f" Known here: {', '.join(known) or 'none'}."


def install_hint(extra: str) -> str:
    """The way out, for the end of a message, where an optional dependency is missing.

    pip alone would bring a second OpenCV along, which the README says how to avoid.

    Example:
        >>> install_hint("mha").partition(" (")[0]
        'install the extra `mha`: `uv sync --extra mha`'
    """
    return (
        f"install the extra `{extra}`: `uv sync --extra {extra}` (with the extras you already use: uv removes those it is not "
        "given); with pip see the README"
    )
