"""The Aariz layout: split folders with images, both readers' JSON files and CVM stages, and one CSV of devices.

    {train,valid,test}/Cephalograms/<ceph_id>.{png,jpg,jpeg,bmp}
    {train,valid,test}/Annotations/Cephalometric Landmarks/{Senior,Junior} Orthodontists/<ceph_id>.json
    {train,valid,test}/Annotations/CVM Stages/<ceph_id>.json
    cephalogram_machine_mappings.csv

Source: Khalid et al., Aariz data set, https://github.com/manwaarkhd/aariz-cephalometric-dataset.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ceph_pipeline.errors import first_of
from ceph_pipeline.formats.aariz_files import read_points, read_stage
from ceph_pipeline.formats.aariz_machines import UNKNOWN, Machine, read_machines, unused_rows
from ceph_pipeline.formats.annotations import MISSING, Point, Reading, Row, cvm_table, image_table, landmark_rows, landmark_table
from ceph_pipeline.formats.files import with_progress
from ceph_pipeline.formats.layout import (
    IMAGE_SUFFIXES,
    SPLIT_NAMES,
    by_identifier,
    relative,
    sizes_of,
    subfolder,
    subfolders,
    visible_files,
)
from ceph_pipeline.formats.options import ReadOptions
from ceph_pipeline.formats.problems import AnnotationError, Problem
from ceph_pipeline.images.identifiers import safe_identifier
from ceph_pipeline.landmarks import SCHEMAS, LandmarkSchema

DATASET = "aariz"
LAYOUT = (
    "{train,valid,test}/Cephalograms/<id>.{png,jpg,jpeg,bmp}, "
    "{train,valid,test}/Annotations/Cephalometric Landmarks/{Senior,Junior} Orthodontists/<id>.json, "
    "{train,valid,test}/Annotations/CVM Stages/<id>.json and cephalogram_machine_mappings.csv"
)
ORIGIN = "https://github.com/manwaarkhd/aariz-cephalometric-dataset"


@dataclass(frozen=True)
class _Files:
    """The files of one split by image identifier; annotations of landmarks by reader and identifier."""

    images: Mapping[str, Path]
    readers: Mapping[str, Mapping[str, Path]]
    stages: Mapping[str, Path]


@dataclass
class _Rows:
    """Rows collected over all splits. `known`: identifiers of all images; `wanted`: landmarks to keep (None: all)."""

    wanted: LandmarkSchema | None
    known: frozenset[str]
    images: list[Row] = field(default_factory=list)
    landmarks: list[Row] = field(default_factory=list)
    cvm: list[Row] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    sources: dict[tuple[str, str], str] = field(default_factory=dict)


def recognises(root: Path) -> bool:
    """Whether any subfolder holds `Cephalograms`."""
    return root.is_dir() and any(subfolder(entry, "Cephalograms") for entry in subfolders(root))


def read_aariz(root: Path, images: Path | None, options: ReadOptions) -> Reading:
    """Read a folder in the Aariz layout.

    Raises:
        AnnotationError: a folder with cephalograms has no split's name, or the CSV lacks a column.
    """
    del images  # the layout fixes the folder of the images
    folders = [entry for entry in subfolders(root) if subfolder(entry, "Cephalograms")]
    known = _identifiers(folders)
    machines, machine_problems = read_machines(root, known)
    rows = _Rows(options.schema_of_landmarks() if options.only_landmarks else None, known, problems=machine_problems)
    refused = frozenset(problem.item for problem in machine_problems if problem.outcome == "image quarantined")
    for folder in folders:
        split = SPLIT_NAMES.get(folder.name.lower())
        if split is None:
            raise AnnotationError(f"{folder}: unknown split {folder.name!r}, expected train, valid or test. Rename the folder.")
        _read_split(folder, split, root, machines, refused, rows)
    rows.problems += unused_rows(machines, [str(row[0]) for row in rows.images] + [problem.item for problem in rows.problems])
    return _without_repeated_images(rows)


def _identifiers(folders: Sequence[Path]) -> frozenset[str]:
    """Identifiers of the images in all splits."""
    places = [place for folder in folders if (place := subfolder(folder, "Cephalograms"))]
    return frozenset(safe_identifier(file.stem) for place in places for file in visible_files(place, IMAGE_SUFFIXES))


def _read_split(
    folder: Path, split: str, root: Path, machines: Mapping[str, Machine], refused: frozenset[str], rows: _Rows
) -> None:
    """Read a split without the images in `refused` and without those that have problems in this split."""
    before = len(rows.problems)
    files = _find_files(folder, root, rows)
    sizes, unreadable = sizes_of(files.images, root)
    rows.problems += unreadable
    refused |= {problem.item for problem in rows.problems[before:] if problem.outcome == "image quarantined"}
    rows.problems += _without_image(files, refused, root, rows.known)
    for image_id, (width, height) in with_progress(sizes.items(), f"annotations of {split}"):
        if image_id in refused:
            continue
        file = relative(files.images[image_id], root)
        machine = machines.get(image_id, UNKNOWN)
        rows.problems += _machine_remarks(image_id, file, split, machine, bool(machines))
        if _read_readers(image_id, file, files.readers, root, rows):
            rows.images.append((image_id, file, split, split, width, height, machine.pixel_size_mm, machine.name, DATASET))
            _read_cvm(image_id, files.stages, root, rows)


def _find_files(folder: Path, root: Path, rows: _Rows) -> _Files:
    """Files in a split's folder by identifier; files with equal identifiers are added to the problems."""

    def identified(place: Path | None, suffixes: Sequence[str]) -> dict[str, Path]:
        files, problems = by_identifier(visible_files(place, suffixes) if place else [], root)
        rows.problems += problems
        return files

    annotations = subfolder(folder, "Annotations")
    landmarks = subfolder(annotations, "Cephalometric Landmarks") if annotations else None
    readers = [entry for entry in subfolders(landmarks) if entry.name.lower().endswith("orthodontists")] if landmarks else []
    return _Files(
        images=identified(subfolder(folder, "Cephalograms"), IMAGE_SUFFIXES),
        readers={_reader(entry): identified(entry, [".json"]) for entry in readers},
        stages=identified(subfolder(annotations, "CVM Stages") if annotations else None, [".json"]),
    )


def _without_image(files: _Files, refused: Container[str], root: Path, known: Container[str]) -> list[Problem]:
    """Annotations without an image in their split; the item is the file's name if another split has an image of that name."""
    return [
        Problem(
            relative(file, root) if image_id in known else image_id,
            relative(file, root),
            "image",
            f"none for this {kind} file",
            f"{image_id}.png, .jpg, .jpeg or .bmp",
            "file quarantined",
        )
        for kind, annotations in (*files.readers.items(), ("CVM stage", files.stages))
        for image_id, file in annotations.items()
        if image_id not in files.images and image_id not in refused
    ]


def _reader(folder: Path) -> str:
    """Reader of a folder: `Senior Orthodontists` gives `senior`."""
    return folder.name.split()[0].lower()


def _read_readers(image_id: str, file: str, readers: Mapping[str, Mapping[str, Path]], root: Path, rows: _Rows) -> bool:
    """Add the image's rows of every reader; returns False if no reader's file can be used."""
    found: list[Row] = []
    wanted = rows.wanted
    usable = 0
    for reader, files in readers.items():
        points = None
        if image_id in files:
            source = relative(files[image_id], root)
            points, problems = read_points(files[image_id], source, root)
            points = _chosen(points, wanted)
            rows.problems += [*problems, *_missing(image_id, source, points or {}, wanted or SCHEMAS["aariz"])]
            rows.sources[image_id, reader] = source
        else:
            rows.problems.append(Problem(image_id, file, f"reader {reader}", "no file", "one JSON file a reader", "kept"))
        usable += points is not None
        names = wanted.names if wanted else tuple(dict.fromkeys((*SCHEMAS["aariz"].names, *(points or {}))))
        found += landmark_rows(image_id, reader, points or {}, names)
    if usable:
        rows.landmarks += found
    else:
        expected = f"{', '.join(wanted.names)} in a JSON" if wanted else "at least one reader's JSON"
        rows.problems.append(Problem(image_id, file, "annotations", "no usable file of any reader", expected))
    return usable > 0


def _chosen(points: dict[str, Point] | None, wanted: LandmarkSchema | None) -> dict[str, Point] | None:
    """Points of the wanted landmarks; None if the file has none (which does not mean that the film shows none)."""
    if points is None or wanted is None:
        return points
    return {name: point for name, point in points.items() if name in wanted.names} or None


def _missing(image_id: str, source: str, points: Mapping[str, Point], expected: LandmarkSchema) -> list[Problem]:
    """A note on the landmarks that are missing from a usable file."""
    absent = [mark.symbol for mark in expected if math.isnan(points.get(mark.name, MISSING)[0])] if points else []
    if not absent:
        return []
    found = f"{len(absent)} of {len(expected.names)} missing: {first_of(absent, 5)}"
    return [Problem(image_id, source, "landmarks", found, "each landmark once", "kept")]


def _read_cvm(image_id: str, stages: Mapping[str, Path], root: Path, rows: _Rows) -> None:
    if image_id not in stages:
        return
    stage = read_stage(stages[image_id], relative(stages[image_id], root), root)
    if isinstance(stage, Problem):
        rows.problems.append(stage)
    else:
        rows.cvm.append((image_id, stage))


def _machine_remarks(image_id: str, file: str, split: str, machine: Machine, has_table: bool) -> list[Problem]:
    if machine is UNKNOWN:
        return [Problem(image_id, file, "device", "no row in the CSV", "machine and pixel size", "kept")] if has_table else []
    if machine.split != split:
        found = f"{machine.split!r} in the CSV"
        return [Problem(image_id, file, "split", found, f"{split!r}, the folder of the image, which takes precedence", "kept")]
    return []


def _without_repeated_images(rows: _Rows) -> Reading:
    """Remove images that occur in two splits; they are added to the problems."""
    counts = Counter(row[0] for row in rows.images)
    repeated = {image_id for image_id, count in counts.items() if count > 1}
    rows.problems += [
        Problem(str(row[0]), str(row[1]), "identifier", f"{row[0]!r} in another split as well", "each image in one split")
        for row in rows.images
        if row[0] in repeated
    ]
    return Reading(
        image_table(row for row in rows.images if row[0] not in repeated),
        landmark_table(row for row in rows.landmarks if row[0] not in repeated),
        cvm_table(row for row in rows.cvm if row[0] not in repeated),
        tuple(rows.problems),
        rows.sources,
    )
