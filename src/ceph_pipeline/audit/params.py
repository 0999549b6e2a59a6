"""Parameters of the audit: the limits of its checks, and which images are excluded because of findings."""

import math
from typing import Literal, Self

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.landmarks.tables import Severity

DuplicatePolicy = Literal["keep", "exclude_train", "exclude_valid_and_train"]


class PointParams(Params):
    """Checks for missing points, points outside the image and placeholders."""

    expected_share: float = Field(
        0.5,
        gt=0,
        le=1,
        description="a landmark is expected on every image if at least this share of the images of its data set has it; a "
        "missing point is reported for expected landmarks only",
    )
    outside_error_of_side: float = Field(
        0.02,
        ge=0,
        le=1,
        description="a point further outside the image than this fraction of its long side is an error; nearer, it is a warning",
    )
    placeholders_px: tuple[tuple[float, float], ...] = Field(
        ((0.0, 0.0), (50.0, 50.0)), description="coordinates (x, y) that annotation tools write for points that were not placed"
    )
    shared_min_landmarks: int = Field(
        3, ge=3, description="number of landmarks of one image on the same pixel from which they are reported as placeholders"
    )
    shared_min_images: int = Field(
        5,
        ge=2,
        description="number of images with a landmark on the same pixel from which this pixel is reported as a placeholder",
    )
    shared_min_share: float = Field(
        0.02,
        gt=0,
        le=1,
        description="least share of all images that `shared_min_images` also requires, because points of small images "
        "coincide by chance",
    )


class ReaderParams(Params):
    """Checks for readers who differ too much, or whose points are identical."""

    far_mm: float = Field(10.0, gt=0, description="a point on which two readers are further apart than this is a finding")
    far_px: float = Field(100.0, gt=0, description="the limit `far_mm` for images without a pixel size")
    identical_px: float = Field(0.001, ge=0, description="points of two readers within this distance are identical")
    identical_share: float = Field(
        0.2,
        gt=0,
        le=1,
        description="share of identical points of a landmark from which two readers are reported as not independent",
    )
    identical_min_images: int = Field(
        5, ge=1, description="least number of images with identical points that `identical_share` also requires"
    )
    offset_mm: float = Field(
        1.0, gt=0, description="mean difference between two readers from which a constant offset is reported"
    )
    offset_px: float = Field(10.0, gt=0, description="the limit `offset_mm` where an image has no pixel size")
    drift_mm: float = Field(
        0.5, gt=0, description="change of the mean difference between two readers from which a drift of a landmark is reported"
    )
    drift_px: float = Field(5.0, gt=0, description="the limit `drift_mm` where an image has no pixel size")
    drift_min_images: int = Field(
        15, ge=5, description="least number of images on either side of a change, or in each of two compared splits"
    )
    drift_permutations: int = Field(
        999, ge=99, description="number of permutations of the images in the significance test of a change"
    )
    significance: float = Field(0.001, gt=0, lt=1, description="significance level of the tests for offsets and changes")

    @model_validator(mode="after")
    def _permutations_suffice(self) -> Self:
        if 1 / (self.drift_permutations + 1) > self.significance:
            raise ValueError(
                f"drift_permutations = {self.drift_permutations}: with this number of permutations the smallest p-value is 1 / "
                f"{self.drift_permutations + 1}, which never reaches significance = {self.significance:g}. Set at least "
                f"{math.ceil(round(1 / self.significance - 1, 6))}."
            )
        return self


class ShapeParams(Params):
    """The check of landmark configurations against a shape model of the data set itself."""

    percentile: float = Field(
        99.98,
        gt=50,
        lt=100,
        description="percentile of the configurations of the data set beyond which a configuration, or its least likely "
        "landmark, is an outlier",
    )
    swap_least_drop: float = Field(
        2.0,
        gt=1,
        description="two landmarks are reported as exchanged if exchanging them divides the squared Mahalanobis distance "
        "by at least this factor",
    )


class FilmParams(Params):
    """Checks of grey levels, negatives and the direction that faces look in."""

    min_images: int = Field(10, ge=3, description="least number of films from which a device or a data set is checked")
    outlier_sd: float = Field(
        5.0,
        gt=0,
        description="a film is reported if a grey-level statistic differs from the median of its device by more than this "
        "many standard deviations (estimated from the median absolute deviation)",
    )
    least_contrast: float = Field(
        25.0, ge=0, description="least difference between the 5th and the 95th percentile, in grey levels of 256"
    )
    negative_likeness: float = Field(
        0.2,
        gt=0,
        le=1,
        description="a film is reported as a negative if its correlation with the median film is below minus this value",
    )
    mirror_margin: float = Field(
        0.1,
        gt=0,
        le=2,
        description="a film is reported as mirrored if its correlation with the mirrored median film is greater by this margin",
    )
    usual_direction_share: float = Field(
        0.8,
        gt=0.5,
        le=1,
        description="share of faces looking in one direction from which this direction is the usual one; below it, both "
        "directions are accepted",
    )


class RulerParams(Params):
    """The check of the ruler marks p1 and p2, where they are annotated."""

    length_mm: float = Field(10.0, gt=0, description="true distance between the ruler marks")
    device_tolerance: float = Field(
        0.05, gt=0, le=1, description="a device whose median ruler length deviates by more than this fraction is a finding"
    )
    image_tolerance: float = Field(
        0.15,
        gt=0,
        le=1,
        description="an image whose ruler length deviates from the median of its device by more than this fraction is a finding",
    )
    min_images: int = Field(3, ge=1, description="least number of images from which a device is checked")


class BalanceParams(Params):
    """The check that devices and CVM stages are spread evenly over the splits."""

    significance: float = Field(
        0.001, gt=0, lt=1, description="significance level of the χ² test for a difference between splits"
    )
    least_cramers_v: float = Field(
        0.15, ge=0, le=1, description="least strength of the difference (Cramér's V) that `significance` also requires"
    )
    min_count: int = Field(3, ge=1, description="number of images from which a device without training images is a finding")
    rare_stage_share: float = Field(0.05, ge=0, le=1, description="share of the training images below which a CVM stage is rare")


class SellaNasionParams(Params):
    """The check of the length S–N, which finds wrong pixel sizes and grossly wrong points."""

    low_mm: float = Field(55.0, gt=0, description="least plausible median of a device")
    high_mm: float = Field(85.0, gt=0, description="greatest plausible median of a device")
    relative: float = Field(
        0.3,
        gt=0,
        le=1,
        description="an image whose S–N differs from the median of its device by more than this fraction is a finding",
    )
    min_images: int = Field(3, ge=1, description="least number of images from which a device is checked")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low_mm >= self.high_mm:
            raise ValueError(f"low_mm = {self.low_mm} must be below high_mm = {self.high_mm}.")
        return self


class DuplicateParams(Params):
    """The search for near-duplicates: images of the same film."""

    max_hash_distance: int = Field(
        48,
        ge=0,
        le=128,
        description="greatest number of differing bits, of 256, in the hashes of a candidate pair; a higher limit costs "
        "more pixel comparisons",
    )
    min_correlation: float = Field(
        0.8,
        gt=0,
        le=1,
        description="least correlation of the registered, tone-flattened pixels; images of different patients stay below 0.7",
    )
    other_data_roots: tuple[str, ...] = Field(
        (),
        description="data roots of other data sets, ingested before, whose images are compared with the images of this data set",
    )


class ExclusionParams(Params):
    """Which images are excluded because of findings."""

    cross_split_duplicates: DuplicatePolicy = Field(
        "exclude_valid_and_train",
        description="near-duplicates in different splits: exclude_train: training images with a near-duplicate in valid "
        "or test are excluded; exclude_valid_and_train: validation images with a near-duplicate in test are "
        "excluded as well, so that no film is in two splits; keep: none is excluded, and evaluation also "
        "reports the test split without its near-duplicates",
    )
    exclude_severities: tuple[Severity, ...] = Field(
        ("error",),
        description="a training or validation image with a finding of one of these severities is excluded; test images are "
        "excluded only by `audit.exclude`",
    )


class AuditParams(Params):
    """The `audit` pipeline: checks of films and annotations."""

    points: PointParams = PointParams()
    readers: ReaderParams = ReaderParams()
    shapes: ShapeParams = ShapeParams()
    sella_nasion: SellaNasionParams = SellaNasionParams()
    ruler: RulerParams = RulerParams()
    films: FilmParams = FilmParams()
    balance: BalanceParams = BalanceParams()
    duplicates: DuplicateParams = DuplicateParams()
    exclusions: ExclusionParams = ExclusionParams()
    report_pictures: int = Field(
        6,
        ge=0,
        le=50,
        description="number of pictures of each check in the report, worst cases first, and of films with their points",
    )
    exclude: tuple[str, ...] = Field((), description="images to exclude from every split, regardless of the findings")
    n_jobs: int = Field(-1, ge=-1, description="number of threads that compare images; -1: one per core")
