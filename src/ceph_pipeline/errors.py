"""Base classes and helpers for error messages: a message states the value found, the expected value and the fix."""

import difflib
import unicodedata
from collections.abc import Iterable

_UNSAFE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories of control and format characters, line and paragraph separators, surrogates and unassigned characters."""


class CephError(Exception):
    """An expected error, for the user: `kedro run` shows its message without a traceback."""


class InvalidValueError(CephError, ValueError):
    """An argument or a setting has a value that cannot be used."""


def printable(text: str, *, keep: str = "") -> str:
    r"""Escape control characters and undecodable bytes in external text, for a terminal, a log or a table.

    Args:
        text: Any text.
        keep: Characters that are not escaped, such as line feeds of a text of several lines.

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
    """The first `n` names, for a message: `a, b, …`."""
    names = list(names)
    return ", ".join(names[:n]) + (", …" if len(names) > n else "")


def counted(n: int, noun: str) -> str:
    """A number and its noun, for a message.

    Example:
        >>> counted(1, "film"), counted(6500, "film")
        ('1 film', '6,500 films')
    """
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def did_you_mean(name: str, known: Iterable[str], *, n: int = 2, cutoff: float = 0.6) -> str:
    """Suggestion for a message about an unknown name: up to `n` known names with a similarity of at least `cutoff`, or "".

    The comparison ignores case.

    Example:
        >>> did_you_mean("COKO", ["coco", "cvat"])
        " Did you mean 'coco'?"
    """
    spelt = {each.lower(): each for each in known}
    near = difflib.get_close_matches(name.lower(), spelt, n=n, cutoff=cutoff)
    return f" Did you mean {' or '.join(repr(spelt[each]) for each in near)}?" if near else ""


def known_here(name: str, known: Iterable[str]) -> str:
    """Suggestion for a message about an unknown name where few names are known: the most similar names, else all names.

    Example:
        >>> known_here("lerning_rate", ["epochs", "learning_rate"])
        " Did you mean 'learning_rate'?"
        >>> known_here("colour", ["epochs", "learning_rate"])
        ' Known here: epochs, learning_rate.'
    """
    known = list(known)
    return did_you_mean(name, known, cutoff=0.5) or f" Known here: {', '.join(known) or 'none'}."


def install_hint(extra: str) -> str:
    """How to install a missing optional dependency, for the end of a message.

    pip alone would install a second OpenCV; the README explains how to avoid this.

    Example:
        >>> install_hint("mha").partition(" (")[0]
        'install the extra `mha`: `uv sync --extra mha`'
    """
    return (
        f"install the extra `{extra}`: `uv sync --extra {extra}` (with the extras you already use: uv removes those it is not "
        "given); for pip, see the README"
    )
