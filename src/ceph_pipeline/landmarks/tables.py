"""The tables of the project as Pandera schemas, and conversions between tables and arrays.

Missing coordinates are NaN; their rows are kept. Extra columns are allowed.
"""

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Literal, get_args

import numpy as np
import pandas as pd
import pandera.pandas as pa
from numpy.typing import NDArray
from pandera.errors import SchemaError
from pandera.typing import Series

from ceph_pipeline.errors import CephError, InvalidValueError

IDENTIFIER = r"^[A-Za-z0-9][A-Za-z0-9._\-]{0,127}$"
"""Allowed image identifiers, which are used as file names."""

Severity = Literal["info", "warning", "error"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""Severities of findings in the data or in a training, mildest first."""

SPLITS = ("train", "valid", "test")
CONSENSUS = "consensus"
ENSEMBLE = "ensemble"
STAGES = ("stage1", "stage1_tta", "stage2", "stage2_tta", ENSEMBLE)
"""The detector's stages, without and with test-time augmentation, and the averaged predictions of several detectors."""

Unit = Literal["mm", "px"]
"""Unit of an error or a standard deviation."""


class TableError(CephError, ValueError):
    """A table on disk is not a table that its pipeline writes."""


class Table(pa.DataFrameModel):
    """Base class of all tables."""

    class Config:
        """Dtypes are coerced; extra columns are allowed."""

        coerce = True
        strict = False


class ImageTable(Table):
    """One row per image."""

    image_id: Series[str] = pa.Field(unique=True, str_matches=IDENTIFIER)
    path: Series[str] = pa.Field(description="relative to the raw folder or the image store")
    split: Series[str] = pa.Field(isin=SPLITS)
    subset: Series[str] = pa.Field(description="finer than split, e.g. test1; else the split's name")
    width: Series[int] = pa.Field(gt=0)
    height: Series[int] = pa.Field(gt=0)
    pixel_size_mm: Series[float] = pa.Field(gt=0, nullable=True)
    pixel_size_source: Series[str] | None = pa.Field(
        description="annotations, sheet, ruler, number, a header field, device_ and its correction, or unknown"
    )
    machine: Series[str]
    dataset: Series[str]
    patient: Series[str] | None = pa.Field(description="a pseudonym, for patients with several films")


class LandmarkTable(Table):
    """One row per (image, reader, landmark); x and y in pixels of the image, both NaN where the point is missing."""

    image_id: Series[str] = pa.Field(str_matches=IDENTIFIER)
    reader: Series[str]
    landmark: Series[str]
    x: Series[float] = pa.Field(nullable=True)
    y: Series[float] = pa.Field(nullable=True)

    @pa.dataframe_check(error="each (image_id, reader, landmark) occurs once")
    @classmethod
    def one_row_a_point(cls, table: pd.DataFrame) -> bool:
        """Each point occurs once."""
        return not table.duplicated(["image_id", "reader", "landmark"]).any()

    @pa.dataframe_check(error="x and y are missing together")
    @classmethod
    def whole_points(cls, table: pd.DataFrame) -> "pd.Series[bool]":
        """A point has both coordinates or neither."""
        return table["x"].isna() == table["y"].isna()


class CvmTable(Table):
    """Cervical vertebral maturation stage, 1 (CS1) to 6 (CS6); one row per image that has a stage."""

    image_id: Series[str] = pa.Field(unique=True, str_matches=IDENTIFIER)
    stage: Series[int] = pa.Field(ge=1, le=6)


class MeasurementTable(Table):
    """Cephalometric measurements computed from one reader's landmarks; NaN where a point or the pixel size is missing."""

    image_id: Series[str] = pa.Field(str_matches=IDENTIFIER)
    reader: Series[str]
    measurement: Series[str] = pa.Field(description="key of ceph_pipeline.cephalometry")
    value: Series[float] = pa.Field(nullable=True, description="degrees, mm or percent, depending on the key")


class QuarantineTable(Table):
    """Files and images that ingestion quarantined, with the reason for each."""

    item: Series[str] = pa.Field(description="the file or image")
    reason: Series[str]


class CacheTable(Table):
    """Size of each image's pre-resized copy in a cache store."""

    image_id: Series[str] = pa.Field(unique=True, str_matches=IDENTIFIER)
    cache_width: Series[int] = pa.Field(gt=0)
    cache_height: Series[int] = pa.Field(gt=0)


class FindingTable(Table):
    """Findings of the audit; `image_id` is empty for a finding about a whole data set, `landmark` for one about no landmark."""

    check: Series[str]
    severity: Series[str] = pa.Field(isin=SEVERITIES)
    image_id: Series[str]
    landmark: Series[str] = pa.Field(description="full names, separated by commas")
    detail: Series[str] = pa.Field(description="the finding, with values and limits")
    suggestion: Series[str]


class ExclusionTable(Table):
    """Sources that the audit excludes from the following pipelines."""

    image_id: Series[str] = pa.Field(unique=True)
    reason: Series[str]


class CopyTable(Table):
    """Additional columns of tables after augmentation."""

    source_id: Series[str] = pa.Field(str_matches=IDENTIFIER)
    kind: Series[str]
    copy_: Series[int] = pa.Field(ge=0, alias="copy")


class AugmentedImageTable(CopyTable, ImageTable):
    """Images after augmentation; a copy is in the split of its source."""


class AugmentedLandmarkTable(CopyTable, LandmarkTable):
    """Landmarks after augmentation, in pixels of the copy."""


class CropTable(Table):
    """Square crops around landmarks, cut on demand; all lengths are in pixels of the image that contains the crop."""

    image_id: Series[str] = pa.Field(str_matches=IDENTIFIER)
    source_id: Series[str]
    split: Series[str] = pa.Field(isin=SPLITS)
    landmark: Series[str]
    shift: Series[int] = pa.Field(ge=0, description="0: centred crop; 1..4: shifted crops")
    centre_x: Series[float]
    centre_y: Series[float]
    field_px: Series[float] = pa.Field(gt=0, description="side of the field of view")
    rotation_deg: Series[float]


class PredictionTable(Table):
    """Predicted points in pixels of the original image, with their standard deviation."""

    image_id: Series[str] = pa.Field(str_matches=IDENTIFIER)
    stage: Series[str] = pa.Field(isin=STAGES)
    landmark: Series[str]
    x: Series[float] = pa.Field(nullable=True)
    y: Series[float] = pa.Field(nullable=True)
    sigma_px: Series[float] = pa.Field(nullable=True, ge=0)
    peak: Series[float] | None = pa.Field(nullable=True, description="peak of stage 1's heatmap; 0: landmark not found")


class ErrorTable(Table):
    """Radial error of each point; NaN if it was not annotated or not predicted or, in mm, if the pixel size is unknown."""

    image_id: Series[str]
    patient: Series[str] | None = pa.Field(description="a pseudonym; empty if the patient is unknown")
    stage: Series[str]
    landmark: Series[str]
    has_truth: Series[bool]
    error_px: Series[float] = pa.Field(nullable=True, ge=0)
    error_mm: Series[float] = pa.Field(nullable=True, ge=0)


def points_array(table: pd.DataFrame, image_ids: list[str], landmarks: list[str]) -> NDArray[np.float64]:
    """Coordinates as `(N, K, 2)` in the given orders, NaN where the table has no such point.

    Args:
        table: Rows of one reader or one stage with `image_id`, `landmark`, `x`, `y`.
        image_ids: The N images, in order.
        landmarks: The K full names, in order.

    Raises:
        ValueError: an (image, landmark) occurs twice, for example because of several readers or stages.
    """
    if table.duplicated(["image_id", "landmark"]).any():
        raise InvalidValueError("the table has more than one point for an (image, landmark): select one reader or stage first.")
    wide = table.set_index(["image_id", "landmark"])[["x", "y"]]
    full = pd.MultiIndex.from_product([image_ids, landmarks])
    return wide.reindex(full).to_numpy(np.float64).reshape(len(image_ids), len(landmarks), 2)


def points_table(points: NDArray[np.float64], image_ids: list[str], landmarks: list[str]) -> pd.DataFrame:
    """The inverse of `points_array`: rows `image_id, landmark, x, y` from `(N, K, 2)`."""
    flat = points.reshape(-1, 2)
    return pd.DataFrame(
        {
            "image_id": pd.Series(np.repeat(image_ids, len(landmarks)), dtype=str),
            "landmark": pd.Series(np.tile(landmarks, len(image_ids)), dtype=str),
            "x": flat[:, 0],
            "y": flat[:, 1],
        }
    )


def reader_points(landmarks: pd.DataFrame, reader: str = CONSENSUS) -> pd.DataFrame:
    """The rows of one reader.

    Raises:
        ValueError: the reader is not in the table.
    """
    rows = landmarks[landmarks["reader"] == reader]
    if rows.empty:
        found = ", ".join(sorted(landmarks["reader"].unique())) or "no rows: check the quarantine and exclusions tables"
        raise InvalidValueError(f"no landmarks of reader {reader!r}; the table has {found}.")
    return rows


def readings_of(landmarks: pd.DataFrame) -> pd.DataFrame:
    """All rows of readers, and the consensus's known points on films without any points of readers.

    On other films the consensus repeats the points of the readers.
    """
    known, is_consensus = landmarks[["x", "y"]].notna().all(axis=1), landmarks["reader"] == CONSENSUS
    is_read = landmarks["image_id"].isin(landmarks.loc[known & ~is_consensus, "image_id"])
    return landmarks[~is_consensus | (known & ~is_read)]


def checked(table: pd.DataFrame, schema: type[Table]) -> pd.DataFrame:
    """Validate a table and convert its columns to the schema's dtypes.

    Raises:
        ValueError: a column is missing or contains an invalid value.
    """
    try:
        return schema.validate(table)
    except SchemaError as error:
        raise InvalidValueError(str(error).splitlines()[0]) from None


def read_table(file: Path, columns: list[str]) -> pd.DataFrame:
    """Read some columns of a Parquet table that another run has written.

    Raises:
        TableError: the table cannot be read, is damaged, or lacks a column.
    """
    try:
        return pd.read_parquet(file, columns=columns)
    except (OSError, ValueError) as error:
        raise TableError(
            f"{file}: not a table with {', '.join(columns)} ({str(error).splitlines()[0]}). Delete the file and run its "
            "pipeline again."
        ) from None


def images_in(images: pd.DataFrame, table: pd.DataFrame, splits: Collection[str] = SPLITS) -> pd.DataFrame:
    """Rows of an images table in some splits whose images are also in another table, such as a cache index or predictions."""
    return images[images["image_id"].isin(table["image_id"]) & images["split"].isin(splits)]


def patients_of(table: pd.DataFrame, image_ids: Iterable[str]) -> list[str]:
    """The patient of each image, or the image if its patient is unknown: the unit of resampling for intervals."""
    known = dict(zip(table["image_id"], table["patient"].fillna(""), strict=True)) if "patient" in table else {}
    return [known.get(image_id) or image_id for image_id in image_ids]


def empty_table(dtypes: Mapping[str, type]) -> pd.DataFrame:
    """A table with these columns and without rows."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in dtypes.items()})
