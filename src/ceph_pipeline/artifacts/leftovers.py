"""Folders that hold one run's results only."""

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ENDING = ".filling"


@contextmanager
def filled_anew(folder: Path, suffix: str) -> Iterator[Path]:
    """Give an empty folder to fill; when the block ends without an error, its files take the place of those in `folder`.

    Until then the earlier results stay, all of them, and none is ever there beside a later one. What a killed run has left is
    swept away.

    Args:
        folder: Need not exist. Files of other suffixes, hidden files and subfolders are nobody's results and stay.
        suffix: Of the results, with its dot.
    """
    for remains in folder.parent.glob(f".{folder.name}.*{_ENDING}"):
        shutil.rmtree(remains, ignore_errors=True)
    scratch = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{_ENDING}")
    scratch.mkdir(parents=True)
    try:
        yield scratch
        results = list(scratch.iterdir())
        if results:
            folder.mkdir(exist_ok=True)
        for file in folder.glob(f"*{suffix}"):
            if not file.name.startswith(".") and file.is_file():
                file.unlink()
        for file in results:
            file.replace(folder / file.name)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
