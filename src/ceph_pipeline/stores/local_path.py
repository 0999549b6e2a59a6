"""Places that must be on this machine's disk."""

from pathlib import Path

from kedro.io import DatasetError


def local_path(filepath: str) -> Path:
    """The path of a catalog entry that cannot lie on object storage: networks are trained and films are read from a disk.

    Raises:
        DatasetError: it is a URL.
    """
    if "://" in filepath:
        raise DatasetError(
            f"{filepath}: training state, checkpoints and raw films must lie on a disk or a mounted folder. Set the entry's "
            "filepath in the catalog (conf/local) to a local one; augmented images and tables may stay where they are."
        )
    return Path(filepath)
