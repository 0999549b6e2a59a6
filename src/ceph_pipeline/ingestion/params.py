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
    """A sheet with one row per film; every column except the film's is optional."""

    sheet: str | int | None = Field(None, description="CSV file or Excel sheet with facts about films; null: none")
    image: str = Field("image", description="column with the film's identifier, path or file name")
    split: str = Field("split", description="column with train, valid or test; takes precedence over the split of the data set")
    patient: str = Field("patient", description="column with a key of the patient; the key is kept in memory only")
    pixel_size_mm: str = Field("pixel_size_mm", description="column with the pixel size in mm")
    machine: str = Field("machine", description="column with the X-ray device")


class SplitParams(Params):
    """The split of the training images where a data set has no test split or no validation split."""

    test_fraction: float = Field(
        0.15, ge=0, lt=1, description="fraction of the training images that becomes the test split; 0: no test split"
    )
    valid_fraction: float = Field(
        0.1, ge=0, lt=1, description="fraction of the remaining training images that becomes the validation split"
    )
    patient_pattern: str | None = Field(
        None,
        description="regular expression whose group is the patient in a film's path, such as ^([^/]+)/; null: each film "
        "is a patient of its own",
    )

    @field_validator("patient_pattern")
    @classmethod
    def _one_group(cls, pattern: str | None) -> str | None:
        if pattern is None:
            return None
        try:
            groups = re.compile(pattern).groups
        except re.error as error:
            raise ValueError(f"{pattern!r} is not a regular expression ({error})") from None
        if groups != 1:
            raise ValueError(f"{pattern!r} has {groups} groups in parentheses, expected one: the patient")
        return pattern


class PixelSizeParams(Params):
    """Where pixel sizes come from."""

    order: tuple[PixelSizeSource, ...] = Field(
        ("sheet", "annotations", "dicom", "number"),
        description="order of precedence of pixel-size sources; the first source with a value is used. file: the "
        "resolution in png, jpg, bmp, tif and mha files, which is often that of a printer; ruler: the "
        "landmarks p1 and p2",
    )
    number_mm: PixelSizeMm | None = Field(None, description="pixel size of all images for which no earlier source has a value")
    ruler_mm: float = Field(10.0, gt=0, description="true distance between p1 and p2")

    @model_validator(mode="after")
    def _each_once(self) -> "PixelSizeParams":
        if len(set(self.order)) != len(self.order):
            raise ValueError(f"order {list(self.order)} contains a source twice")
        return self


class DeviceScaleParams(Params):
    """The correction of pixel sizes by device."""

    correction: Literal["none", "table", "ruler", "sella_nasion"] = Field(
        "none",
        description="table: the sizes in `table_mm`; ruler, sella_nasion: each device is scaled so that its median length "
        "equals the true length",
    )
    table_mm: dict[str, PixelSizeMm] = Field({}, description="for correction table: mm per pixel by device")
    ruler_mm: float = Field(10.0, gt=0, description="for correction ruler: true distance between p1 and p2")
    sella_nasion_mm: float = Field(
        66.0,
        gt=0,
        description="for correction sella_nasion: median S–N of the patients; 66 mm was measured on Aariz with the ruler "
        "of the device ART Plus",
    )
    min_images: int = Field(3, ge=1, description="least number of images with the length from which a device is corrected")


class IngestionParams(WorkerParams):
    """The `ingestion` pipeline: reading films and annotations, splits and pixel sizes."""

    backend: Literal["loky", "threading", "dask"] = Field(
        "threading", description="loky: processes; threading: threads, the fastest choice on one machine; dask: a Dask cluster"
    )
    on_bad_item: OnBadItem = Field(
        "error", description="error: one error lists all bad items; quarantine: bad items are quarantined and ingestion continues"
    )
    exclude: tuple[str, ...] = Field((), description="images (`image`) and points (`image/symbol`) to leave out")
    reading: ReadOptions = Field(ReadOptions(), description="facts that the annotation files do not contain")
    films: FilmSheetParams = FilmSheetParams()
    splits: SplitParams = SplitParams()
    pixel_size: PixelSizeParams = PixelSizeParams()
    device_scale: DeviceScaleParams = DeviceScaleParams()
    consensus: ConsensusMethod = Field(
        "mean", description="how the points of several readers are merged; ceil_mean is the official Aariz ground truth"
    )
    consensus_reader: str | None = Field(
        None,
        description="the one reader whose points are the consensus; null: the points of all readers are merged as "
        "`consensus` defines",
    )
    seed: int = Field(42, ge=0, description="seed of the splits")
    cache_long_side_px: int = Field(512, ge=32, le=8192, description="long side of the pre-resized images")
    force: bool = Field(False, description="fill the cache again even if nothing has changed")
