"""Catalog entries that must be on a local disk."""

from pathlib import Path
from typing import Any, TypeVar

from kedro.io import AbstractDataset, DatasetError

from ceph_pipeline.artifacts.user_path import user_path
from ceph_pipeline.errors import InvalidValueError

Saved = TypeVar("Saved")


class LocalDataset(AbstractDataset[Saved, Path]):
    """A catalog entry that gives nodes its path.

    Args:
        filepath: A path on a local disk.
        metadata: For kedro-viz.
    """

    def __init__(self, *, filepath: str, metadata: dict[str, Any] | None = None) -> None:
        self._filepath = filepath
        self.metadata = metadata

    def load(self) -> Path:
        """The path, which need not exist yet.

        Raises:
            DatasetError: the path is on object storage.
        """
        return local_path(self._filepath)

    def _describe(self) -> dict[str, Any]:
        return {"filepath": self._filepath}


def local_path(filepath: object) -> Path:
    """The path of a catalog entry that cannot be on object storage, such as training state or raw films.

    Args:
        filepath: The value from the configuration or the command line; `~` is the home folder. A name such as `2024` is parsed
            as a number, and is accepted if the path exists.

    Raises:
        DatasetError: the value is a URL, or is not text and no such path exists.
    """
    text = str(filepath)
    if not isinstance(filepath, str | Path) and not Path(text).exists():
        raise DatasetError(
            f"{text}: expected a path, but the value is a {type(filepath).__name__} and the path {text!r} does not exist. Write "
            "./ in front of the path on the command line, or quotes around it in a configuration file."
        )
    if "://" in text:
        raise DatasetError(
            f"{text}: training state, checkpoints and raw films must be on a disk or a mounted folder. Set the entry's "
            "filepath in the catalog (conf/local) to a local path; augmented images and tables may stay on object storage."
        )
    try:
        return user_path(text)
    except InvalidValueError as error:
        raise DatasetError(str(error)) from None
