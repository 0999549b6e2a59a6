"""Parameters of the calibration: the pixel size of images."""

from typing import Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params

Source = Literal["ruler", "file", "anatomical"]
"""Sources of a pixel size: the ruler in the picture, the file or table of the film, or the distance S–N."""


class CalibrationParams(Params):
    """The `calibration` and `ruler` pipelines: millimetres per pixel from the ruler's two marks."""

    ruler_mm: float = Field(10.0, gt=0, le=200, description="true distance between p1 and p2")
    tolerated_deviation_pct: float = Field(
        3.0,
        gt=0,
        le=100,
        description="deviation of the pixel size by the ruler from the pixel size of the data set above which an image is "
        "reported, in %",
    )
    labels: dict[str, Literal["p1", "p2"]] = Field(
        {}, description="for each label of the export that is a ruler mark: `p1` or `p2`"
    )
    on_bad_item: Literal["error", "quarantine"] = Field(
        "quarantine", description="whether a damaged task of the export raises an error or is quarantined"
    )
    sources: tuple[Source, ...] = Field(
        ("ruler", "file", "anatomical"),
        min_length=1,
        description="order of precedence of the pixel-size sources; the first source with a value is used. Sources are "
        "compared, but not averaged",
    )
    min_peak: float | None = Field(
        None,
        gt=0,
        description="least heatmap peak of both marks from which a film is taken to show a ruler; null: learned on the "
        "validation images",
    )
    max_se_pct: float = Field(
        5.0,
        gt=0,
        le=100,
        description="greatest standard error of the pixel size by the ruler, in %; a less certain ruler is not used",
    )
    sella_nasion_mm: float = Field(71.0, gt=0, le=200, description="mean distance S–N of adults, for the anatomical estimate")
    sella_nasion_sd_mm: float = Field(
        3.0,
        gt=0,
        le=50,
        description="standard deviation of S–N among adults; the standard error of the anatomical estimate follows from it",
    )
