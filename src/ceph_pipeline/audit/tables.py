"""The audit's own tables: pairs of images of the same radiograph, and grey levels of films."""

import pandera.pandas as pa
from pandera.typing import Series

from ceph_pipeline.landmarks.tables import SPLITS, Table


class DuplicateTable(Table):
    """One row per pair, `image_a` before `image_b` in the images table."""

    image_a: Series[str]
    image_b: Series[str]
    split_a: Series[str] = pa.Field(isin=SPLITS)
    split_b: Series[str] = pa.Field(isin=SPLITS)
    hash_distance: Series[int] = pa.Field(ge=0, le=256, description="differing bits of 256")
    mirrored: Series[bool] = pa.Field(description="one is the mirror image of the other")
    correlation: Series[float] = pa.Field(ge=-1, le=1, description="of registered, tone-flattened pixels")
    grey_difference: Series[float] = pa.Field(ge=0, le=255, description="mean absolute, after registration, 8-bit levels")


class ForeignDuplicateTable(Table):
    """One row per pair of an image and an image of another data set that show the same radiograph."""

    image_id: Series[str]
    other_dataset: Series[str]
    other_image: Series[str]
    hash_distance: Series[int] = pa.Field(ge=0, le=256)
    mirrored: Series[bool]
    correlation: Series[float] = pa.Field(ge=-1, le=1)
    grey_difference: Series[float] = pa.Field(ge=0, le=255)


class FilmTable(Table):
    """One row per cached image: statistics of its grey levels, in 8-bit levels."""

    image_id: Series[str] = pa.Field(unique=True)
    median: Series[float] = pa.Field(ge=0, le=255)
    contrast: Series[float] = pa.Field(ge=0, le=255, description="from the 5th to the 95th percentile")
    black_share: Series[float] = pa.Field(ge=0, le=1, description="of the pixels at level 0 or 1")
    white_share: Series[float] = pa.Field(ge=0, le=1, description="of the pixels at level 254 or 255")
    likeness: Series[float] = pa.Field(ge=-1, le=1, description="correlation with the data set's median film")
    mirrored_likeness: Series[float] = pa.Field(ge=-1, le=1, description="the same, mirrored")


FILM_COLUMNS = list(FilmTable.to_schema().columns)
