"""Settings of the crops: what they show and how they are shifted; and of what is made of their answers."""

from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import AliasChoices, Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.errors import InvalidValueError

MEAN_FACE_MM = 53.09
"""Face size (see `crops.field`) of the mean of 303 Aariz shapes, which has S–N = 72 mm."""


class DisplacementParams(Params):
    """How far training crops lie from the truth."""

    floor_sd_of_field: float = Field(
        0.06, ge=0, lt=0.5, description="sd per axis added to every drawn residual, so that few residuals still give spread"
    )
    max_of_field: float = Field(
        0.45, gt=0, le=0.5, description="truth's greatest distance from the crop's centre, so that it never leaves the crop"
    )
    rotation_deg: float = Field(5.0, ge=0, le=45, description="rotation is uniform within ± this")
    scale: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="the field is scaled by a factor uniform within 1 ± this; 0.2 covers the scaled test-time views",
    )


class CropParams(Params):
    """Square crops around each landmark: one centred, four shifted."""

    crop_px: int = Field(256, ge=32, le=1024, multiple_of=32, description="side of a crop as the network sees it")
    field_of_face: float = Field(
        0.47,
        gt=0,
        le=2,
        validation_alias=AliasChoices("field_of_face", "field_of_head"),  # its name in checkpoints of version 0.1
        description="side of the field of view as a fraction of the face's size; 0.47 is 25 mm for the mean Aariz face. "
        "Devices of any resolution then look alike, also those whose pixel size is wrong or unknown",
    )
    field_mm: float | None = Field(
        None, gt=0, le=200, description="side of the field of view in mm instead; every image then needs a pixel size"
    )
    field_of_ruler: float | None = Field(
        None,
        gt=0,
        le=20,
        description="side of the field of view as a multiple of the distance of the ruler's marks p1 and p2 instead, for data "
        "sets of these marks; an image that shows one of them has no crops",
    )
    shift_of_field: float = Field(
        0.0625, ge=0, lt=0.5, description="shift of the four shifted crops; 0.0625 is 1.6 mm of a 25.6 mm field"
    )
    displacement: DisplacementParams = DisplacementParams()
    seed: int = Field(42, ge=0)

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.field_mm is not None and self.field_of_ruler is not None:
            raise ValueError("field_mm and field_of_ruler are both set, expected one: set the other to null")
        return self


class RefinementParams(Params):
    """How crops' answers become a refined point. Nothing of it is trained: it may differ from one evaluation to the next."""

    rounds: int = Field(1, ge=1, le=5, description="how often crops are cut, from the second time on about the refined points")
    min_score: float = Field(
        0.05, ge=0, description="least mean confidence (heatmap peak) of a point's crops; below it stage 1's point stands"
    )
    max_spread_of_field: float = Field(
        0.12, gt=0, description="greatest sd per axis of the crops' answers; above it stage 1's point stands"
    )
    stage1_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="weight of stage 1's point among the answers, whose weights sum to 1; 0: where they count, alone",
    )
    stage1_share_of: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(
        {}, description="the same for landmarks by name, in the place of `stage1_share`; cross-validation suggests them"
    )

    def shares(self, landmarks: Sequence[str]) -> NDArray[np.float64]:
        """Weight of stage 1's point for each landmark, `(K,)`.

        Raises:
            ValueError: `stage1_share_of` names a landmark that is not among them.
        """
        if strangers := sorted(set(self.stage1_share_of) - set(landmarks)):
            raise InvalidValueError(
                f"detector.refinement.stage1_share_of: {strangers[0]!r} is none of the detector's {len(landmarks)} landmarks "
                f"({', '.join(sorted(landmarks))}). Correct the name, or take it out of parameters_detector.yml."
            )
        return np.array([self.stage1_share_of.get(name, self.stage1_share) for name in landmarks])

    def __hash__(self) -> int:
        """Of all fields; the mapping among them has no hash of its own."""
        return hash(self.model_dump_json())
