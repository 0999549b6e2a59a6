"""Parameters of ingestion."""

import re
from typing import Literal

from pydantic import Field, field_validator, model_validator

from ceph_pipeline.artifacts import Params, WorkerParams
from ceph_pipeline.formats import OnBadItem, ReadOptions
from ceph_pipeline.formats.entries import PixelSizeMm
from ceph_pipeline.ingestion.consensus import ConsensusMethod

PixelSizeSource = Literal["sheet", "annotations", "dicom", "file", "ruler", "number"]


class FilmSheetParams(Params):
    """A sheet with a row a film; columns that it does not have say nothing."""

    sheet: str | int | None = Field(None, description="CSV file or Excel sheet with facts about films; null: none")
    image: str = Field("image", description="its column with the film's identifier, path or file name")
    split: str = Field("split", description="column with train, valid or test, which overrules the data set's own")
    patient: str = Field("patient", description="column with anything that tells patients apart; it stays in memory")
    pixel_size_mm: str = Field("pixel_size_mm", description="column with millimetres per pixel")
    machine: str = Field("machine", description="column with the X-ray device")


class SplitParams(Params):
    """Where a data set brings no test or no validation split."""

    test_fraction: float = Field(0.15, ge=0, lt=1, description="of the training images; 0: none are held out for testing")
    valid_fraction: float = Field(0.1, ge=0, lt=1, description="of the training images that are left")
    patient_pattern: str | None = Field(
        None,
        description="regular expression whose group is the patient in a film's path, such as ^([^/]+)/; null: each film is one",
    )

    @field_validator("patient_pattern")
    @classmethod
    def _one_group(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"{pattern!r} is no regular expression ({error})") from None
        if groups != 1:
            raise ValueError(f"{pattern!r} has {groups} groups in parentheses, expected one: the patient")
        return pattern


class PixelSizeParams(Params):
    """Who says how long pixels are."""

    order: tuple[PixelSizeSource, ...] = Field(
        ("sheet", "annotations", "dicom", "number"),
        description="the first that has a size counts; file: the resolution of png, jpg, bmp, tif and mha files, often a "
        "printer's; ruler: p1 and p2 among the landmarks",
    )
    number_mm: PixelSizeMm | None = Field(None, description="of all images that no source before it knows")
    ruler_mm: float = Field(10.0, gt=0, description="true distance of p1 and p2")

    @model_validator(mode="after")
    def _each_once(self) -> "PixelSizeParams":
        if len(set(self.order)) != len(self.order):
            raise ValueError(f"order {list(self.order)} names a source twice")
        return self


class DeviceScaleParams(Params):
    """How pixel sizes are corrected, device by device."""

    correction: Literal["none", "table", "ruler", "sella_nasion"] = Field(
        "none", description="table: the sizes below; ruler, sella_nasion: so that a device's median length is the true one"
    )
    table_mm: dict[str, PixelSizeMm] = Field({}, description="of correction table: mm per pixel by device")
    ruler_mm: float = Field(10.0, gt=0, description="of correction ruler: true distance of p1 and p2")
    sella_nasion_mm: float = Field(
        66.0,
        gt=0,
        description="of correction sella_nasion: median S–N of the patients; 66 mm: Aariz, by ART Plus's ruler",
    )
    min_images: int = Field(3, ge=1, description="images with the length from which a device is corrected")


class IngestionParams(WorkerParams):
    """What ingestion leaves to choose."""

    on_bad_item: OnBadItem = Field("error", description="one error that lists all bad items, or set them aside and go on")
    exclude: tuple[str, ...] = Field((), description="images (`image`) and points (`image/symbol`) to leave out")
    reading: ReadOptions = Field(ReadOptions(), description="what the annotation files do not say themselves")
    films: FilmSheetParams = FilmSheetParams()
    splits: SplitParams = SplitParams()
    pixel_size: PixelSizeParams = PixelSizeParams()
    device_scale: DeviceScaleParams = DeviceScaleParams()
    consensus: ConsensusMethod = Field("mean", description="of the readers; ceil_mean is the official Aariz ground truth")
    consensus_reader: str | None = Field(None, description="whose points are the consensus; null: what `consensus` says of all")
    seed: int = Field(42, ge=0)
    cache_long_side_px: int = Field(512, ge=32, le=8192, description="long side of the pre-resized copies")
    force: bool = Field(False, description="fill the cache anew even if nothing has changed")
