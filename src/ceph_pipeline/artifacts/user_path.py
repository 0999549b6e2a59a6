"""Paths as a person gives them."""

from pathlib import Path

from ceph_pipeline.errors import InvalidValueError


def user_path(text: object) -> Path:
    """A path from a configuration or the command line; `~` is the user's folder.

    Raises:
        InvalidValueError: `~name` of a user who is not there.
    """
    try:
        return Path(str(text)).expanduser()
    except RuntimeError:
        raise InvalidValueError(f"{text}: no such user's folder. Write the whole path.") from None
