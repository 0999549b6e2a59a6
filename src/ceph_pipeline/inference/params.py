"""Settings of the inference pipeline. Free of torch: Kedro resolves these types when it registers the pipelines."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ceph_pipeline.crops.params import RefinementParams
from ceph_pipeline.uncertainty.anatomy.params import AnatomyParams
from ceph_pipeline.views import Fusion, Views

Device = Literal["auto", "cpu", "cuda", "mps"]


class InferenceParams(BaseModel):
    """The `inference` pipeline: landmarks, measurements and overlays of new X-rays."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    pixel_size_mm: float | None = Field(
        None, gt=0, le=1, description="of all images of the folder; null: angles and ratios only, no millimetres"
    )
    views_stage1: Views = Field("ten", description="views of the whole image, as evaluated")
    views_stage2: Views = Field("ten", description="views of the crops, as evaluated")
    fusion: Fusion = Field("mean", description="how the whole image's views become one point")
    refinement: RefinementParams = Field(RefinementParams(), description="what is made of the crops' answers, as evaluated")
    ensemble: bool = Field(False, description="ask the detectors trained without each fold too, and fuse all answers")
    anatomy: AnatomyParams = Field(AnatomyParams(), description="heads judged by what the evaluation has learned of real ones")
    batch_size: int = Field(8, ge=1, description="whole images a forward pass")
    crop_batch_size: int = Field(128, ge=1, description="crops a forward pass")
    device: Device = "auto"
    overlays: bool = Field(True, description="draw each image with its landmarks")
