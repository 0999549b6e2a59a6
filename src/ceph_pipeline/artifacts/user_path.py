"""Paths from a configuration or the command line."""

from pathlib import Path

from ceph_pipeline.errors import InvalidValueError


def user_path(text: object) -> Path:
    """A path from a configuration or the command line; `~` is the home folder.

    Raises:
        InvalidValueError: the path starts with `~name`, and there is no such user.
    """
    try:
        return Path(str(text)).expanduser()
    except RuntimeError:
        raise InvalidValueError(f"{text}: there is no such user. Write the full path.") from None
