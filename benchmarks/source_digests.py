"""Time of hashing all bytes of a data set's files, by which edited films are detected."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path

import click
import numpy as np

from ceph_pipeline.images import RawFolder


def forget(file: Path) -> None:
    """Remove a file from the page cache of the operating system, so that it is read from the disk again."""
    with file.open("rb") as stream:
        os.fsync(stream.fileno())
        os.posix_fadvise(stream.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def time_stamps(raw: RawFolder, names: list[str]) -> str:
    """Wall time and processor time of hashing the files, as text."""
    start, cpu_start = time.perf_counter(), time.process_time()
    raw.stamps(names)
    return f"{time.perf_counter() - start:.1f} s ({time.process_time() - cpu_start:.1f} s of processor time)"


@click.command()
@click.option("--films", default=1000, show_default=True)
@click.option("--megabytes", default=4.0, show_default=True, help="Size of each film in MB.")
def main(films: int, megabytes: float) -> None:
    """Time the hashing of films in the page cache, and of films on the disk."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        raw, draw = RawFolder(Path(folder), "table"), np.random.default_rng(0)
        names = [f"{number}.bmp" for number in range(films)]
        for name in names:
            (raw.root / name).write_bytes(draw.bytes(int(megabytes * 1e6)))
        warm = time_stamps(raw, names)
        for name in names:
            forget(raw.root / name)
        cold = time_stamps(raw, names)
    click.echo(f"{films:,} films of {megabytes:g} MB: {warm} from the page cache, {cold} from the disk")


if __name__ == "__main__":
    main()
