"""Time of the audit of a data set, relative to decoding each film once in as many threads.

    python benchmarks/audit_throughput.py --films /path/to/isbi2015 --format isbi2015
    python benchmarks/audit_throughput.py --images 200            # phantoms of 4 megapixels, drawn first

Phantoms are synthetic cephalograms. Every round times three steps, one after the other: decoding alone; ingestion's cache, which
decodes, hashes, shrinks and writes each film, followed by the audit, without an existing cache; and the audit alone, which is the
time that `kedro run --pipelines audit` adds for an ingested data set. The script prints medians of the times and of their ratios
to decoding, as wall time and as processor time. Under load, processor time is more reliable.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np
import pandas as pd

from ceph_pipeline import formats, ingestion
from ceph_pipeline.artifacts import WorkerParams, run_unordered
from ceph_pipeline.audit import AuditParams
from ceph_pipeline.images import ImageStore, RawFolder
from ceph_pipeline.phantom.data_set import draw_data_set
from ceph_pipeline.phantom.params import PhantomParams
from ceph_pipeline.pipelines.audit import nodes

CACHE_LONG_SIDE_PX = 512
PHANTOM_LONG_SIDE_PX = 2250
"""About 4 megapixels."""


CLOCKS = {"wall": time.perf_counter, "processor": time.process_time}


def seconds(work: Callable[[], object]) -> list[float]:
    """Wall time and processor time of a call in seconds, in the order of `CLOCKS`."""
    start = [clock() for clock in CLOCKS.values()]
    work()
    return [clock() - before for clock, before in zip(CLOCKS.values(), start, strict=True)]


class DataSet:
    """A raw data set, and the three steps that are timed."""

    def __init__(self, raw: RawFolder, cache: Path, threads: int) -> None:
        found = formats.read(raw.root, raw.format, on_bad_item="quarantine")
        self.images, self.cvm, self.quarantine = found.images, found.cvm, found.quarantine
        self.landmarks = ingestion.with_consensus(found.landmarks)
        self.params = AuditParams(n_jobs=threads)
        self._raw, self._store = raw, ImageStore(str(cache), format="npy")
        self._workers = WorkerParams(n_jobs=threads, backend="threading")
        self._index = pd.DataFrame()

    def decode(self) -> None:
        """Decode every film once."""
        for _ in run_unordered(self._raw.read, ((path,) for path in self.images["path"]), self._workers):
            pass

    def ingest_and_audit(self) -> None:
        """Build the cache without reusing an existing one, then run the audit."""
        build = ingestion.build_cache(
            self.images, self._raw, self._store, long_side_px=CACHE_LONG_SIDE_PX, workers=self._workers, force=True
        )
        self._index = build.index
        self.audit()

    def audit(self) -> None:
        """Run every node of the pipeline `audit`."""
        pairs, foreign, films = nodes.compare_images(self.images, self._store, self._index, self.params)
        tables = (self.images, self.landmarks, self.cvm, self.quarantine, pairs, foreign, films)
        findings = nodes.check_data(*tables, self.params)
        exclusions, _ = nodes.exclude_images(findings, pairs, self.images, self.params)
        nodes.present_findings(findings, exclusions, self.images, self.landmarks, self._store, self.params)


@click.command(help=__doc__)
@click.option("--films", type=click.Path(exists=True, path_type=Path), help="Folder of a data set; default: phantoms are drawn.")
@click.option("--format", "name", default="aariz", show_default=True, help="Format of the data set.")
@click.option("--images", default=200, show_default=True, help="Number of phantoms.")
@click.option("--long-side", default=PHANTOM_LONG_SIDE_PX, show_default=True, help="Long side of the phantoms in px.")
@click.option("--rounds", default=3, show_default=True)
@click.option("--threads", default=2, show_default=True)
def main(films: Path | None, name: str, images: int, long_side: int, rounds: int, threads: int) -> None:
    """Time the three steps in turn, and print medians."""
    with tempfile.TemporaryDirectory() as folder:
        if films is None:
            films, name = Path(folder, "aariz"), "aariz"
            draw_data_set(
                films, Path(folder, "ruler.json"), PhantomParams(n_images=images, long_side_px=long_side, n_jobs=threads)
            )
        data = DataSet(RawFolder(films, name), Path(folder, "cache"), threads)
        ways = (data.decode, data.ingest_and_audit, data.audit)
        times = np.array([[seconds(way) for way in ways] for _ in range(rounds)])
    pixels = (data.images["width"] * data.images["height"]).mean() / 1e6
    click.echo(f"{len(data.images)} films of {pixels:.1f} megapixels on average, {threads} threads, {rounds} rounds")
    for number, way in enumerate(("decoding", "cache and audit", "audit alone")):
        for clock, spent, decoding in zip(CLOCKS, times[:, number].T, times[:, 0].T, strict=True):
            ratios = spent / decoding
            share = f"{np.median(ratios):.2f} times decoding ({ratios.min():.2f} to {ratios.max():.2f})"
            click.echo(f"{way}: {np.median(spent):.1f} s of {clock} time, {share}")


if __name__ == "__main__":
    main()
