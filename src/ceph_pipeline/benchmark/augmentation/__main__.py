"""`python -m ceph_pipeline.benchmark.augmentation`: the table of docs/augmentation.md, measured on this machine."""

import tempfile
from pathlib import Path

import click

from ceph_pipeline.benchmark.augmentation.comparison import HEADER, compare
from ceph_pipeline.benchmark.augmentation.films import lay_out


@click.command()
@click.option("--count", default=40, show_default=True, help="Films.")
@click.option("--films", type=click.Path(exists=True, file_okay=False, path_type=Path), help="A folder of real films.")
@click.option("--processes", default="1,2", show_default=True, help="Numbers of processes.")
@click.option("--formats", default="png,jpg", show_default=True, help="Of the copies.")
@click.option("--scratch", type=click.Path(path_type=Path), help="Where copies are written and deleted again.")
def main(count: int, films: Path | None, processes: str, formats: str, scratch: Path | None) -> None:
    """Print the throughput of augmentation, and of two other ways to do the same, as a Markdown table."""
    with tempfile.TemporaryDirectory(dir=scratch) as place:
        folder = Path(place) / "films"
        tables = lay_out(folder, count, films)
        click.echo(f"{len(tables.images)} films, 6 full-size and 6 training copies of each\n\n{HEADER}")
        for format_ in formats.split(","):
            for row in compare(tables, folder, format_, [int(number) for number in processes.split(",")]):
                click.echo(row)


if __name__ == "__main__":
    main()
