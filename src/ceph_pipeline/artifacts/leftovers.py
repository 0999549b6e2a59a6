"""Results of earlier runs in a folder that a run fills."""

from collections.abc import Iterable
from pathlib import Path


def keep_only(folder: Path, names: Iterable[str], suffix: str) -> None:
    """Delete the folder's own files of that suffix except those named, so that it holds one run's results only.

    Args:
        folder: Need not exist. Files of other suffixes, hidden files and subfolders are nobody's results and stay.
        names: File names that the run writes, or has written.
        suffix: Of the results, with its dot.
    """
    kept = set(names)
    for file in folder.glob(f"*{suffix}"):
        if file.name not in kept and not file.name.startswith(".") and file.is_file():
            file.unlink()
