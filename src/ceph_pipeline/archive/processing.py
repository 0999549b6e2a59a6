"""Process an archive of X-rays part by part: landmarks, pixel sizes and measurements as partitioned Parquet data sets."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ceph_pipeline import __version__
from ceph_pipeline.archive.output import alone_in, delete_stale, summary_of, write_part
from ceph_pipeline.archive.params import ArchiveSettings
from ceph_pipeline.archive.parts import FilmFile, Part, parts_of
from ceph_pipeline.artifacts import Folder, Ledger, WorkerParams, check_cluster, fingerprint, run_unordered
from ceph_pipeline.calibration.presence import PRESENCE_FILE
from ceph_pipeline.detector import DetectorParams, LandmarkDetector
from ceph_pipeline.detector.files import files_in, models_folder_of
from ceph_pipeline.detector.inputs import DetectorError
from ceph_pipeline.errors import printable
from ceph_pipeline.images import read_header
from ceph_pipeline.images.film_files import may_be_film, why_no_film
from ceph_pipeline.images.identifiers import identifiers_of
from ceph_pipeline.inference.folder import WAY_OUT, listed, predict_films, quarantine_rows, require_apart, said_pixel_sizes
from ceph_pipeline.inference.measurements import measured_pixel_sizes, measurement_rows
from ceph_pipeline.inference.params import InferenceParams
from ceph_pipeline.inference.plausibility import flag_implausible
from ceph_pipeline.inference.ruler_models import RulerSizing
from ceph_pipeline.inference.uncertainty import judge_by_size
from ceph_pipeline.ingestion import read_film_sheet
from ceph_pipeline.plausibility import PRIOR_FILE, read_prior
from ceph_pipeline.uncertainty import UNCERTAINTY_FILE

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Archive:
    """The source, output, models and settings of an archive; each worker receives a copy.

    Attributes:
        source: Folder of the films, at any depth, on a disk or on object storage.
        output: Folder for the data sets.
        models: Folder of the trained detector or of an ensemble; all workers must be able to read it.
        settings: Parameters of the processing.
    """

    source: Folder
    output: Folder
    models: Path
    settings: ArchiveSettings

    def fingerprint(self) -> str:
        """Fingerprint of all inputs of the results except the films."""
        folders = [models_folder_of(self.models)]
        files = [files_in(self.models)]
        if (ruler := self.settings.inference.ruler_folder) is not None:
            folders.append(models_folder_of(ruler))
            files.append(files_in(ruler))
        learned = [folder / name for folder in folders for name in (UNCERTAINTY_FILE, PRIOR_FILE, PRESENCE_FILE)]
        digests = [each.digests() for each in files]
        settings = self.settings.detector.model_dump(mode="json", exclude={"device", "batch_size", "crop_batch_size"})
        idle = {"overlays", "formats", "reports", "films", "ruler_models"}  # not used by an archive, or covered by other inputs
        others = self.settings.model_dump(mode="json", exclude={"detector": True, "inference": idle})
        return fingerprint(__version__, settings, others, digests, [path for path in learned if path.is_file()])


def process_archive(archive: Archive, part_size: int, workers: WorkerParams) -> pd.DataFrame:
    """Process an archive.

    - Complete parts are not processed again. An interrupted run can therefore be continued, and new films require only the
      processing of their parts.
    - Results of films that were deleted or have changed are removed first, after all inputs have been checked.
    - Memory holds the list of names and one part per worker.

    Args:
        archive: The archive.
        part_size: Average number of films per part.
        workers: Parameters of the workers.

    Returns:
        Rows `part, n_films, n_located, n_quarantined, seconds`.

    Raises:
        DetectorError: the source folder does not exist or contains no file with the name of a film, or there is no usable
            detector. Or the output contains results of another folder, or is inside the source folder.
        FolderError: the output cannot be written, another run writes to it, or object storage cannot be reached.
        WorkersError: as `run_unordered`.
    """
    check_cluster(workers)
    archive.output.check_writable()
    with alone_in(archive.output):
        made_by = archive.fingerprint()
        parts = list(parts_of(_films(archive), part_size, made_by))
        ledger = _claim(archive, made_by)
        complete = delete_stale(archive.output, {part.name for part in parts})
        missing = [part for part in parts if part.name not in complete]
        logger.info("%d of %d parts are complete, %d remain", len(complete), len(parts), len(missing))
        with tqdm(total=sum(len(part.films) for part in missing), desc="archive", unit="image", disable=not missing) as bar:
            for n_films in run_unordered(process_part, ((part, archive, made_by) for part in missing), workers):
                bar.update(n_films)
        ledger.finish()
        return pd.concat([summary_of(archive.output, part) for part in parts], ignore_index=True)


def process_part(part: Part, archive: Archive, made_by: str) -> int:
    """Process one part and write its data sets to the output.

    Args:
        part: The part.
        archive: The archive.
        made_by: The archive's fingerprint, which identifies the networks that a worker has loaded.

    Returns:
        Number of films in the part.
    """
    start = time.perf_counter()
    with _at_hand(part, archive.source) as at_hand:
        tables = _look_at(part, at_hand, archive, made_by)
    write_part(archive.output, part, tables, time.perf_counter() - start)
    return len(part.films)


def _claim(archive: Archive, made_by: str) -> Ledger:
    """Check that all networks can be loaded, before anything is deleted, and record the source folder in the output.

    Raises:
        DetectorError: the output contains the results of another folder; or as `LandmarkDetector.load`.
    """
    _networks(archive, made_by)
    read_prior(models_folder_of(archive.models) / PRIOR_FILE)
    source_url = archive.source.path.resolve().as_posix() if archive.source.is_local else archive.source.url.rstrip("/")
    ledger, source = Ledger(archive.output), {"source": source_url}
    if ledger.read() and (changed := ledger.difference(source)):
        raise DetectorError(
            f"{archive.output.url} contains the results of {changed['source'][0]}. Set another data_root for "
            f"{archive.source.url}, or delete the folder."
        )
    ledger.begin(made_by, source)
    return ledger


def _films(archive: Archive) -> list[FilmFile]:
    """Files that may be films, sorted by path.

    Raises:
        DetectorError: there are no such files, or the output is inside the source folder.
    """
    source, output = archive.source, archive.output
    if source.is_local and output.is_local:
        require_apart(source.path, output.path)
    try:
        stamps = {path: stamp for path, stamp in source.stamps().items() if may_be_film(path)}
    except FileNotFoundError:
        raise DetectorError(f"{source.url}: no such folder. {WAY_OUT}") from None
    except NotADirectoryError:
        raise DetectorError(f"{source.url}: not a folder. Name the folder that contains the file.") from None
    except PermissionError as error:
        raise DetectorError(f"{source.url}: cannot be opened ({error.strerror}). Change its permissions.") from None
    if not stamps:
        raise DetectorError(f"{source.url}: contains no X-rays. {WAY_OUT}")
    paths = identifiers_of(sorted(stamps))
    facts = read_film_sheet(listed(paths), archive.settings.inference.films, "inference.films")
    sheet_mm = facts["pixel_size_mm"].dropna().to_dict()
    return [FilmFile(image_id, path, stamps[path], sheet_mm.get(image_id)) for image_id, path in paths.items()]


class _AtHand(NamedTuple):
    """A part's films on this machine.

    Attributes:
        folder: Folder with the films, under their paths in the archive.
        absent: Reasons why films could not be fetched, by path.
    """

    folder: Path
    absent: dict[str, str]


@contextmanager
def _at_hand(part: Part, source: Folder) -> Iterator[_AtHand]:
    """The archive's own folder if it is local, otherwise a temporary folder with copies of the part's films.

    Raises:
        DetectorError: the archive's folder no longer exists, for example because a network drive was unmounted.
    """
    if source.is_local:
        if not source.path.is_dir():
            raise DetectorError(f"{source.url}: no longer exists. Mount it and run again; complete parts are kept.")
        yield _AtHand(source.path, {})
        return
    with TemporaryDirectory(prefix="archive-") as folder:
        yield _AtHand(Path(folder), source.fetch((film.path for film in part.films), Path(folder)))


def _look_at(part: Part, at_hand: _AtHand, archive: Archive, made_by: str) -> dict[str, pd.DataFrame]:
    """The tables of one part's films, by name; only `films` and `quarantine` if no film can be read."""
    settings, (folder, absent) = archive.settings, at_hand
    detector, sizing = _networks(archive, made_by)
    reasons = {film.image_id: absent.get(film.path) or why_no_film(folder / film.path, folder) for film in part.films}
    xrays = {film.image_id: folder / film.path for film in part.films if reasons[film.image_id] is None}
    found = predict_films(detector, xrays, settings.inference.pixel_size_mm)
    unread = quarantine_rows((name, reason) for name, reason in reasons.items() if reason)
    quarantine = pd.concat([found.quarantine, unread], ignore_index=True)
    quarantine["reason"] = quarantine["reason"].str.replace(f"{folder}{os.sep}", "", regex=False)
    quarantine = quarantine.astype("string")  # keeps the text type in Parquet for tables without rows
    located = set(found.points["image_id"])
    films = listed({film.image_id: film.path for film in part.films})
    films["path"] = films["path"].map(printable).astype("str")
    tables = {"films": films.assign(is_located=films["image_id"].isin(located)), "quarantine": quarantine}
    if not located:
        return tables
    prior = read_prior(models_folder_of(archive.models) / PRIOR_FILE)
    sizes = _pixel_sizes(
        [film for film in part.films if film.image_id in located], folder, found.points, settings.inference, sizing
    )
    image_sizes = {image_id: read_header(path).size for image_id, path in xrays.items() if image_id in located}
    judged = judge_by_size(found.points, detector.uncertainty, sizes, image_sizes)
    points, plausibility = flag_implausible(judged, prior, settings.plausibility)
    return tables | {
        "points": points,
        "plausibility": plausibility.assign(colourful=plausibility["image_id"].isin(found.colourful)),
        "cvm": found.cvm,
        "pixel_sizes": sizes,
        "measurements": measurement_rows(points, measured_pixel_sizes(sizes), settings.cephalometry),
    }


def _pixel_sizes(
    films: list[FilmFile], folder: Path, points: pd.DataFrame, params: InferenceParams, sizing: RulerSizing
) -> pd.DataFrame:
    """Pixel sizes of the films that have points, as `pixel_sizes` returns them."""
    image_ids = [film.image_id for film in films]
    if params.pixel_size_mm is None:
        facts = pd.DataFrame({"pixel_size_mm": pd.Series([film.sheet_mm for film in films], image_ids, np.float64)})
        said = said_pixel_sizes(folder, listed({film.image_id: film.path for film in films}), facts, params)
    else:
        said = np.full(len(films), params.pixel_size_mm)
    xrays = {film.image_id: folder / film.path for film in films}
    return sizing.sizes(points, image_ids, said, lambda detector: predict_films(detector, xrays).points)


class _Networks(NamedTuple):
    """The detector, and the object that decides pixel sizes."""

    detector: LandmarkDetector
    sizing: RulerSizing


_loaded: dict[tuple[str, DetectorParams], _Networks] = {}
"""The networks that this worker has loaded, by the archive's fingerprint and the detector's parameters."""


def _networks(archive: Archive, made_by: str) -> _Networks:
    """Load the networks once per worker, and again if the networks or their parameters have changed."""
    settings, key = archive.settings, (made_by, archive.settings.detector)
    networks = _loaded.get(key)
    if networks is None:
        detector = LandmarkDetector.load(archive.models, settings.detector)
        models = models_folder_of(archive.models)
        sizing = RulerSizing.load(detector.landmarks, models, settings.inference, settings.calibration, settings.detector)
        networks = _Networks(detector, sizing)
        _loaded.clear()
        _loaded[key] = networks
    return networks
