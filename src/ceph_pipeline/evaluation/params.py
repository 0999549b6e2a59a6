"""Parameters of the evaluation."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ceph_pipeline.evaluation.tta import Fusion, ViewSet


class TestTimeAugmentation(BaseModel):
    """Views that `stage1_tta` and `stage2_tta` look at, and how their answers are fused."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    __test__ = False  # not a test class, whatever its name begins with

    views_stage1: ViewSet = Field("ten", description="views of the whole image; `five` leaves out the flips")
    views_stage2: ViewSet = Field("ten", description="views of the crops; `single` refines the fused points once")
    fusion: Fusion = Field("mean", description="how the views' answers become one point")


class StatisticsParams(BaseModel):
    """What is computed from the errors."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    thresholds_mm: tuple[float, ...] = Field((2.0, 2.5, 3.0, 4.0), min_length=1, description="of the SDR")
    n_resamples: int = Field(10_000, ge=100, le=1_000_000, description="draws of images for each interval")
    seed: int = Field(42, ge=0)
    gallery_images: int = Field(3, ge=1, le=10, description="images shown of each kind: best, median, worst")


class EvaluationParams(BaseModel):
    """The `evaluation` pipeline."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    tta: TestTimeAugmentation = TestTimeAugmentation()
    statistics: StatisticsParams = StatisticsParams()
    batch_size: int = Field(8, ge=1, description="whole images a forward pass")
    crop_batch_size: int = Field(64, ge=1, description="crops a forward pass")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    reader: str = Field("consensus", description="whose points count as the truth")
    force: bool = Field(False, description="predict again though nothing changed")
