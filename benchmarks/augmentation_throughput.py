"""Throughput of augmentation, compared with a bare OpenCV loop and albumentations, on films of ISBI 2015's size."""

import logging
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import click
import cv2
from augmentation_contenders import Trial, run_engine, run_loop
from augmentation_films import lay_out

from ceph_pipeline.augmentation.tables import SourceTables

HEADER = """| format | way | processes | images/s | of the bare loop | of 1 process | memory per worker | start-up |
|---|---|---|---|---|---|---|---|"""

_BARE = "bare OpenCV loop"

CONTENDERS: dict[str, Callable[..., Trial]] = {
    "engine": run_engine,
    _BARE: run_loop,
    "albumentations, a pipeline a copy": partial(run_loop, plain=True),
}


def compare(tables: SourceTables, folder: Path, format: str, processes: list[int]) -> Iterator[str]:
    """The rows of the Markdown table for one format.

    Args:
        tables: Tables of the films.
        folder: Folder of the films.
        format: File format of the copies.
        processes: Numbers of processes; the scaling is relative to the first number.
    """
    found = {
        (way, number): _alone(run, tables, folder, format, number) for way, run in CONTENDERS.items() for number in processes
    }
    for (way, number), trial in found.items():
        of_bare = trial.images_per_s / found[_BARE, number].images_per_s
        of_one = trial.images_per_s / found[way, processes[0]].images_per_s
        yield (
            f"| {format} | {way} | {number} | {trial.images_per_s:.1f} | {of_bare:.2f} | {of_one:.2f} | "
            f"{trial.peak_bytes / 1e6:.0f} MB | {trial.start_up_s:.1f} s |"
        )


def _alone(run: Callable[..., Trial], *arguments: object) -> Trial:
    """Run in a new process, so that imports and allocated memory of one implementation do not affect another."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh, initializer=_prepare) as pool:
        return pool.submit(run, *arguments).result()


def _prepare() -> None:
    cv2.setNumThreads(1)
    logging.getLogger("ceph_pipeline").setLevel(logging.WARNING)


@click.command()
@click.option("--count", default=40, show_default=True, help="Number of films.")
@click.option("--films", type=click.Path(exists=True, file_okay=False, path_type=Path), help="Folder of real films.")
@click.option("--processes", default="1,2", show_default=True, help="Numbers of processes, separated by commas.")
@click.option("--formats", default="png,jpg", show_default=True, help="File formats of the copies, separated by commas.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Folder to which temporary copies are written.")
def main(count: int, films: Path | None, processes: str, formats: str, scratch: Path | None) -> None:
    """Print the throughput of augmentation and of two other implementations as a Markdown table."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        folder = Path(place) / "films"
        tables = lay_out(folder, count, films)
        click.echo(f"{len(tables.images)} films, 6 full-size and 6 training copies of each\n\n{HEADER}")
        for format_ in formats.split(","):
            for row in compare(tables, folder, format_, [int(number) for number in processes.split(",")]):
                click.echo(row)


if __name__ == "__main__":
    main()
