"""Settings of the audit: when a check reports something, and what follows from it."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.landmarks.tables import Severity

DuplicatePolicy = Literal["keep", "exclude_train", "exclude_valid_and_train"]


class PointParams(Params):
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


class ReaderParams(Params):
    """How far apart readers may be, and how near."""

    far_mm: float = Field(10.0, gt=0, description="readers further apart than this on one point are a finding")
    far_px: float = Field(100.0, gt=0, description="the same where the image has no pixel size")
    identical_px: float = Field(0.001, ge=0, description="readers this near are identical")
    identical_share: float = Field(
        0.2, gt=0, le=1, description="share of identical points from which readers are not independent"
    )
    identical_min_images: int = Field(5, ge=1, description="and the least number of them")
    offset_mm: float = Field(1.0, gt=0, description="a mean difference of two readers from which it is a constant offset")
    offset_px: float = Field(10.0, gt=0, description="the same where an image has no pixel size")
    drift_mm: float = Field(0.5, gt=0, description="a change of the mean difference from which a landmark has drifted")
    drift_px: float = Field(5.0, gt=0, description="the same where an image has no pixel size")
    drift_min_images: int = Field(15, ge=5, description="images on either side of a change, or in a split")
    drift_permutations: int = Field(999, ge=99, description="of the images, against which a change must stand out")
    significance: float = Field(0.001, gt=0, lt=1, description="of offsets and changes")

    @model_validator(mode="after")
    def _permutations_suffice(self) -> Self:
        if 1 / (self.drift_permutations + 1) > self.significance:
            raise ValueError(
                f"drift_permutations = {self.drift_permutations}: of so many orders no change is rarer than 1 in "
                f"{self.drift_permutations + 1}, which never reaches significance = {self.significance:g}. Set at least "
                f"{math.ceil(round(1 / self.significance - 1, 6))}."
            )
        return self


class ShapeParams(Params):
    """Landmark configurations against the data's own shape model."""

    percentile: float = Field(
        99.9,
        gt=50,
        lt=100,
        description="of the data's configurations, beyond which one or its least likely landmark is an outlier",
    )
    swap_least_drop: float = Field(
        2.0, gt=1, description="factor by which exchanging two landmarks must lower the squared Mahalanobis distance"
    )


class FilmParams(Params):
    """Grey levels, negatives, and the side that faces look to."""

    min_images: int = Field(10, ge=3, description="films from which a device, or a data set, is judged")
    outlier_sd: float = Field(5.0, gt=0, description="standard deviations, by the median deviation, from a device's median")
    least_contrast: float = Field(25.0, ge=0, description="grey levels of 256 from the 5th to the 95th percentile")
    negative_likeness: float = Field(0.2, gt=0, le=1, description="correlation with the median film, negative, of a negative")
    mirror_margin: float = Field(0.1, gt=0, le=2, description="by which a film must be more like the mirrored median film")
    usual_direction_share: float = Field(0.8, gt=0.5, le=1, description="of the faces that look one way; else both are usual")


class RulerParams(Params):
    """The ruler's marks p1 and p2, where they are annotated."""

    length_mm: float = Field(10.0, gt=0, description="true distance of the marks")
    device_tolerance: float = Field(0.05, gt=0, le=1, description="a device whose median ruler deviates by more is a finding")
    image_tolerance: float = Field(0.15, gt=0, le=1, description="an image that deviates by more from its device's median")
    min_images: int = Field(3, ge=1, description="images from which a device is judged")


class BalanceParams(Params):
    """Devices and CVM stages over the splits."""

    significance: float = Field(0.001, gt=0, lt=1, description="of the χ² test for a difference between splits")
    least_cramers_v: float = Field(0.15, ge=0, le=1, description="and the least strength of the difference")
    min_count: int = Field(3, ge=1, description="images from which a device without training images is a finding")
    rare_stage_share: float = Field(0.05, ge=0, le=1, description="of the training images, below which a CVM stage is rare")


class SellaNasionParams(Params):
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


class DuplicateParams(Params):
    """When two images show the same radiograph."""

    max_hash_distance: int = Field(
        48, ge=0, le=128, description="bits of 256 that candidates may differ in; each step up costs more pixel comparisons"
    )
    min_correlation: float = Field(
        0.8, gt=0, le=1, description="least correlation of registered, tone-flattened pixels; different heads stay below 0.7"
    )
    other_data_roots: tuple[str, ...] = Field(
        (), description="data roots of other sets, ingested before, whose images are compared with this one's"
    )


class ExclusionParams(Params):
    """What the findings mean for training."""

    cross_split_duplicates: DuplicatePolicy = Field(
        "exclude_valid_and_train",
        description="exclude_train: no training image has a copy in valid or test; exclude_valid_and_train: no radiograph "
        "is in two splits; keep: copies stay, and evaluation reports the test split without them as well",
    )
    exclude_severities: tuple[Severity, ...] = Field(
        ("error",), description="an image with a finding of these severities is left out of every split"
    )


class AuditParams(Params):
    """All settings of the audit."""

    points: PointParams = PointParams()
    readers: ReaderParams = ReaderParams()
    shapes: ShapeParams = ShapeParams()
    sella_nasion: SellaNasionParams = SellaNasionParams()
    ruler: RulerParams = RulerParams()
    films: FilmParams = FilmParams()
    balance: BalanceParams = BalanceParams()
    duplicates: DuplicateParams = DuplicateParams()
    exclusions: ExclusionParams = ExclusionParams()
    report_pictures: int = Field(6, ge=0, le=50, description="pictures of each check in the report, the worst cases first")
    exclude: tuple[str, ...] = Field((), description="images to leave out whatever the checks say: a person's own list")
    n_jobs: int = Field(-1, ge=-1, description="threads that compare images; -1: all cores")
