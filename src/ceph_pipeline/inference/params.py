"""Settings of the inference pipeline. Free of torch: Kedro resolves these types when it registers the pipelines."""

from pydantic import BaseModel, ConfigDict, Field

from ceph_pipeline.formats.writers.params import WrittenFormat


class InferenceParams(BaseModel):
    """The `inference` pipeline: landmarks, measurements, overlays and reports of new X-rays."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    pixel_size_mm: float | None = Field(
        None,
        gt=0,
        le=1,
        description="of all images of the folder; null: what each file says. `calibration.sources` orders it and the ruler",
    )
    ruler_models: str | None = Field(
        None,
        description="folder of networks that locate the ruler's marks, such as data/ruler/06_models; null: none",
    )
    overlays: bool = Field(True, description="draw each image with its landmarks")
    formats: tuple[WrittenFormat, ...] = Field(
        ("table", "json", "coco", "label_studio"), description="as which files the landmarks are left beside the tables"
    )
    reports: bool = Field(True, description="write a printable page of each image, and one of them all")
