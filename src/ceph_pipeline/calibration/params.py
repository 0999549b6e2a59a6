"""Settings of the calibration."""

from typing import Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params

Source = Literal["ruler", "file", "anatomical"]
"""What says how long a pixel is: the ruler in the picture, what the film's file or table says, or the distance S–N."""


class CalibrationParams(Params):
    """The `calibration` and `ruler` pipelines: millimetres per pixel from the ruler's two marks."""

    ruler_mm: float = Field(10.0, gt=0, le=200, description="true distance of p1 and p2")
    tolerated_deviation_pct: float = Field(
        3.0, gt=0, le=100, description="of the ruler's millimetres per pixel from the data set's, before an image is reported"
    )
    labels: dict[str, Literal["p1", "p2"]] = Field({}, description="what the export calls a mark: `p1` or `p2`")
    on_bad_item: Literal["error", "quarantine"] = Field("quarantine", description="what a damaged task of the export does")
    sources: tuple[Source, ...] = Field(
        ("ruler", "file", "anatomical"),
        min_length=1,
        description="of an image's pixel size, the first that says one counts. The ruler is compared with the file, and S–N "
        "with a head's; nothing is averaged",
    )
    min_peak: float | None = Field(
        None, gt=0, description="least heatmap peak of both marks that says there is a ruler; null: learned on validation images"
    )
    max_se_pct: float = Field(
        5.0, gt=0, le=100, description="standard error of the ruler's pixel size beyond which the ruler is refused"
    )
    sella_nasion_mm: float = Field(71.0, gt=0, le=200, description="of the anatomical estimate: mean distance S–N of adults")
    sella_nasion_sd_mm: float = Field(
        3.0, gt=0, le=50, description="its standard deviation, from which the estimate's error follows"
    )
