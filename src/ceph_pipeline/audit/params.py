"""Settings of the audit: when a check speaks, and what follows from it."""

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ceph_pipeline.audit.findings import Severity

DuplicatePolicy = Literal["keep", "exclude_train", "exclude_valid_and_train"]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class PointParams(_Section):
    """Missing points, points outside the image, placeholders."""

    expected_share: float = Field(
        0.5, gt=0, le=1, description="a landmark is missing from an image only if at least this share of its data set has it"
    )
    outside_error_of_side: float = Field(
        0.02, ge=0, le=1, description="further outside than this fraction of the long side is an error, nearer a warning"
    )
    placeholders_px: tuple[tuple[float, float], ...] = Field(
        ((0.0, 0.0), (50.0, 50.0)), description="coordinates (x, y) that annotation tools write for points nobody placed"
    )
    shared_min_landmarks: int = Field(3, ge=3, description="landmarks of one image on the same pixel that make a placeholder")
    shared_min_images: int = Field(5, ge=2, description="images with a landmark on the same pixel that make a placeholder")
    shared_min_share: float = Field(
        0.02, gt=0, le=1, description="and the least share of all images, since small images coincide"
    )


class ReaderParams(_Section):
    """How far apart readers may be, and how near."""

    far_mm: float = Field(10.0, gt=0, description="readers further apart than this on one point are a finding")
    far_px: float = Field(100.0, gt=0, description="the same where the image has no pixel size")
    identical_px: float = Field(0.001, ge=0, description="readers this near are identical")
    identical_share: float = Field(
        0.2, gt=0, le=1, description="share of identical points from which readers are not independent"
    )
    identical_min_images: int = Field(5, ge=1, description="and the least number of them")


class SellaNasionParams(_Section):
    """The length S–N, which betrays a wrong pixel size and grossly wrong points."""

    low_mm: float = Field(55.0, gt=0, description="least plausible median of a device")
    high_mm: float = Field(85.0, gt=0, description="greatest plausible median of a device")
    relative: float = Field(
        0.3, gt=0, le=1, description="an image further than this fraction from its device's median is a finding"
    )
    min_images: int = Field(3, ge=1, description="images from which a device is judged")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_mm >= self.high_mm:
            raise ValueError(f"low_mm = {self.low_mm} must be below high_mm = {self.high_mm}.")
        return self


class DuplicateParams(_Section):
    """When two images show the same radiograph."""

    max_hash_distance: int = Field(
        48, ge=0, le=128, description="bits of 256 that candidates may differ in; each step up costs more pixel comparisons"
    )
    min_correlation: float = Field(
        0.8, gt=0, le=1, description="least correlation of registered, tone-flattened pixels; different heads stay below 0.7"
    )


class ExclusionParams(_Section):
    """What the findings mean for training."""

    cross_split_duplicates: DuplicatePolicy = Field(
        "exclude_valid_and_train",
        description="exclude_train: no training image has a copy in valid or test; exclude_valid_and_train: no radiograph "
        "is in two splits; keep: copies stay, and evaluation reports the test split without them as well",
    )
    exclude_severities: tuple[Severity, ...] = Field(
        ("error",), description="an image with a finding of these severities is left out of every split"
    )


class AuditParams(_Section):
    """All settings of the audit."""

    points: PointParams = PointParams()
    readers: ReaderParams = ReaderParams()
    sella_nasion: SellaNasionParams = SellaNasionParams()
    duplicates: DuplicateParams = DuplicateParams()
    exclusions: ExclusionParams = ExclusionParams()
    n_jobs: int = Field(-1, ge=-1, description="threads that compare images; -1: all cores")
