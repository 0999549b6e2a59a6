"""The table that only the audit makes: pairs of images that show the same radiograph."""

import pandera.pandas as pa
from pandera.typing import Series

from ceph_pipeline.landmarks.tables import SPLITS


class DuplicateTable(pa.DataFrameModel):
    """One row a pair, `image_a` before `image_b` in the images table."""

    image_a: Series[str]
    image_b: Series[str]
    split_a: Series[str] = pa.Field(isin=SPLITS)
    split_b: Series[str] = pa.Field(isin=SPLITS)
    hash_distance: Series[int] = pa.Field(ge=0, le=256, description="differing bits of 256")
    mirrored: Series[bool] = pa.Field(description="one is the mirror image of the other")
    correlation: Series[float] = pa.Field(ge=-1, le=1, description="of registered, tone-flattened pixels")
    grey_difference: Series[float] = pa.Field(ge=0, le=255, description="mean absolute, after registration, 8-bit levels")

    class Config:
        """Dtypes are coerced; extra columns pass."""

        coerce = True
        strict = False
