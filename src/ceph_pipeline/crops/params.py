"""Parameters of the crops and of the refinement: field of view, shifts, and the fusion of crop predictions."""

import json
from collections.abc import Sequence
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.errors import InvalidValueError

MEAN_FACE_MM = 53.09
"""Face size (see `crops.field`) of the mean of 303 Aariz shapes, which has S–N = 72 mm."""

USUAL_RULER_MM = 10.0
"""Distance of the ruler's marks on most cephalostats."""


class DisplacementParams(Params):
    """Random displacement, rotation and scale of training crops relative to the ground truth."""

    floor_sd_of_field: float = Field(
        0.06,
        ge=0,
        lt=0.5,
        description="standard deviation per axis added to every drawn residual, as a fraction of the field; gives spread "
        "even with few residuals",
    )
    max_of_field: float = Field(
        0.45,
        gt=0,
        le=0.5,
        description="greatest distance of the ground truth from the crop centre, as a fraction of the field; keeps the "
        "ground truth inside the crop",
    )
    rotation_deg: float = Field(5.0, ge=0, le=45, description="crops are rotated by a uniform random angle within ± this value")
    scale: float = Field(
        0.2,
        ge=0,
        lt=0.5,
        description="the field is scaled by a uniform random factor within 1 ± this value; 0.2 covers the scaled test-time views",
    )


class CropParams(Params):
    """Square crops around each landmark: one centred, four shifted."""

    crop_px: int = Field(256, ge=32, le=1024, multiple_of=32, description="side of a crop in the network's input, in px")
    field_of_face: float = Field(
        0.47,
        gt=0,
        le=2,
        description="side of the field of view as a fraction of the face size; 0.47 is 25 mm for the mean Aariz face. "
        "Crops of all devices then look alike, even if the pixel size is wrong or unknown",
    )
    field_mm: float | None = Field(
        None,
        gt=0,
        le=200,
        description="side of the field of view in mm, instead of `field_of_face`; every image then needs a pixel size",
    )
    field_of_ruler: float | None = Field(
        None,
        gt=0,
        le=20,
        description="side of the field of view as a multiple of the distance between the ruler marks p1 and p2, instead "
        "of `field_of_face`; for data sets of these marks. An image with only one mark has no crops",
    )
    shift_of_field: float = Field(
        0.0625,
        ge=0,
        lt=0.5,
        description="shift of the four shifted crops as a fraction of the field; 0.0625 is 1.6 mm of a 25.6 mm field",
    )
    displacement: DisplacementParams = DisplacementParams()
    seed: int = Field(42, ge=0, description="seed of the random displacements")

    @property
    def usual_field_mm(self) -> float:
        """Side of the field of view in mm; on the mean face, or of the usual ruler, if it follows the picture."""
        if self.field_of_ruler is not None:
            return self.field_of_ruler * USUAL_RULER_MM
        return self.field_of_face * MEAN_FACE_MM if self.field_mm is None else self.field_mm

    @model_validator(mode="after")
    def _one_measure(self) -> Self:
        if self.field_mm is not None and self.field_of_ruler is not None:
            raise ValueError("field_mm and field_of_ruler are both set, expected one: set the other to null")
        return self


class RefinementParams(Params):
    """The fusion of crop predictions to a refined point. No training is needed after a change of these parameters."""

    rounds: int = Field(
        1, ge=1, le=5, description="number of refinement iterations; from the second on, crops are centred on the refined points"
    )
    min_score: float = Field(
        0.05, ge=0, description="least mean confidence (heatmap peak) of a point's crops; below it, stage 1's point is kept"
    )
    max_spread_of_field: float = Field(
        0.12,
        gt=0,
        description="greatest standard deviation per axis of the crop predictions, as a fraction of the field; above it, "
        "stage 1's point is kept",
    )
    stage1_share: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="weight of stage 1's point in the weighted mean with the crop predictions; 0: crop predictions only",
    )
    stage1_share_of: dict[str, Annotated[float, Field(ge=0, lt=1)]] = Field(
        {}, description="`stage1_share` of single landmarks, by name; the `folds` pipeline suggests values"
    )

    def shares(self, landmarks: Sequence[str]) -> NDArray[np.float64]:
        """The weight of stage 1's point for each landmark, `(K,)`.

        Raises:
            ValueError: `stage1_share_of` contains a landmark that is not in `landmarks`.
        """
        if strangers := sorted(set(self.stage1_share_of) - set(landmarks)):
            raise InvalidValueError(
                f"detector.refinement.stage1_share_of: {strangers[0]!r} is not one of the detector's {len(landmarks)} landmarks "
                f"({', '.join(sorted(landmarks))}). Correct the name, or remove it from parameters_detector.yml."
            )
        return np.array([self.stage1_share_of.get(name, self.stage1_share) for name in landmarks])

    def __hash__(self) -> int:
        """Hash of all fields; a mapping is not hashable by itself."""
        return hash(json.dumps(self.model_dump(mode="json"), sort_keys=True))
