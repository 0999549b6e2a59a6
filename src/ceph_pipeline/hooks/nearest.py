"""What somebody may have meant."""

import difflib
from collections.abc import Sequence


def nearest(name: str, known: Sequence[str]) -> str:
    """The end of a message about an unknown name: the names nearest to it, or all that are known.

    Example:
        >>> nearest("lerning_rate", ["epochs", "learning_rate"])
        ' Did you mean learning_rate?'
    """
    if near := difflib.get_close_matches(name, known, n=2, cutoff=0.5):
        return f" Did you mean {' or '.join(near)}?"
    return f" Known here: {', '.join(known)}."
