"""Places that must be on this machine's disk."""

from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts.user_path import user_path
from ceph_pipeline.errors import InvalidValueError

Saved = TypeVar("Saved")


class LocalDataset(AbstractDataset[Saved, Path]):
    """An entry of the catalog that nodes get the path of.

    Args:
        filepath: A path on this machine's disk.
        metadata: For kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Path:
        """The path; nothing need be there yet.

        Raises:
            DatasetError: it is on object storage.
        """
        return local_path(self._filepath)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def local_path(filepath: object) -> Path:
    """The path of a catalog entry that cannot lie on object storage: networks are trained and films are read from a disk.

    Args:
        filepath: As configuration or the command line gives it; `~` is the user's folder. A name such as `2024` arrives as a
            number, and is a path all the same where there is one.

    Raises:
        DatasetError: it is a URL, or was read as something else than text and there is no such path.
    """
    text = str(filepath)
    if not isinstance(filepath, str | Path) and not Path(text).exists():
        raise DatasetError(
            f"{text}: read as a {type(filepath).__name__}, expected a path, and there is no {text!r} here. Write ./ in front of "
            "it on the command line, or put it in quotes in a configuration file."
        )
    if "://" in text:
        raise DatasetError(
            f"{text}: training state, checkpoints and raw films must lie on a disk or a mounted folder. Set the entry's "
            "filepath in the catalog (conf/local) to a local one; augmented images and tables may stay where they are."
        )
    try:
        return user_path(text)
    except InvalidValueError as error:
        raise DatasetError(str(error)) from None
