"""Settings of the inference pipeline. Free of torch: Kedro resolves these types when it registers the pipelines."""

from pydantic import BaseModel, ConfigDict, Field


class InferenceParams(BaseModel):
    """The `inference` pipeline: landmarks, measurements and overlays of new X-rays."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    pixel_size_mm: float | None = Field(
        None, gt=0, le=1, description="of all images of the folder; null: angles and ratios only, no millimetres"
    )
    overlays: bool = Field(True, description="draw each image with its landmarks")
