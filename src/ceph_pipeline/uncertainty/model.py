"""Uncertainty model of a stage, fitted on held-out sources and applied to new images."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ceph_pipeline.errors import CephError
from ceph_pipeline.landmarks.tables import Unit
from ceph_pipeline.uncertainty.calibration import SigmaCalibration, fit_sigma
from ceph_pipeline.uncertainty.conformal import conformal_factor
from ceph_pipeline.uncertainty.params import UncertaintyParams


class UncertaintyError(CephError, ValueError):
    """The stored uncertainty model cannot be read."""


class TooFewSourcesError(UncertaintyError):
    """Too few held-out sources to calibrate uncertainty."""


class StageErrors(NamedTuple):
    """A stage's errors on some images.

    Attributes:
        errors: `(N, K)` radial errors, NaN where there is no truth.
        sigma: `(N, K)` predicted standard deviations along one axis, in the same unit.
        patients: `(N,)` patient of each image; None: each image is of another patient.
    """

    errors: NDArray[np.float64]
    sigma: NDArray[np.float64]
    patients: NDArray[np.str_] | None = None

    def rows(self, rows: NDArray[np.intp]) -> "StageErrors":
        """The errors of some of the images."""
        return StageErrors(self.errors[rows], self.sigma[rows], None if self.patients is None else self.patients[rows])


class Judged(NamedTuple):
    """Uncertainty of `(N, K)` points.

    Attributes:
        sigma: Calibrated standard deviations along one axis.
        radius: Radius that contains the true point with the probability of the model's level.
        flagged: Whether a person should check the point; true where the standard deviation is unknown.
    """

    sigma: NDArray[np.float64]
    radius: NDArray[np.float64]
    flagged: NDArray[np.bool_]


@dataclass(frozen=True)
class UncertaintyModel:
    """Calibration, radii and flags of one stage.

    Attributes:
        unit: Unit of errors and standard deviations.
        landmarks: K full names.
        calibration: Map from predicted to calibrated standard deviations.
        factor: Radius divided by calibrated standard deviation; infinite if there were too few sources.
        level: Share of true points within their radius.
        flag_above: Calibrated standard deviation above which a point is flagged.
        n_sigma_sources: Held-out sources used for the calibration of standard deviations; a patient counts once.
        n_radius_sources: Other held-out sources, used for the factor; a patient counts once.
    """

    unit: Unit
    landmarks: tuple[str, ...]
    calibration: SigmaCalibration
    factor: float
    level: float
    flag_above: float
    n_sigma_sources: int
    n_radius_sources: int

    @property
    def bounded(self) -> bool:
        """Whether radii are finite."""
        return math.isfinite(self.factor)

    def judge(self, sigma: NDArray[np.float64]) -> Judged:
        """Uncertainty of points with predicted standard deviations `(N, K)`, in the model's unit and order of landmarks."""
        calibrated = self.calibration(sigma)
        return Judged(calibrated, self.factor * calibrated, ~(calibrated <= self.flag_above))

    def of(self, landmarks: Sequence[str]) -> "UncertaintyModel":
        """The model of the given landmarks in the given order; a landmark may occur more than once.

        For a landmark without calibration, standard deviations are NaN and points are flagged.
        """
        known = dict(zip(self.landmarks, self.calibration.factors.tolist(), strict=True))
        factors = np.array([known.get(name, np.nan) for name in landmarks])
        return replace(self, landmarks=tuple(landmarks), calibration=replace(self.calibration, factors=factors))

    def to_report(self) -> dict[str, Any]:
        """The model as JSON-compatible values; an infinite factor is null."""
        return {
            "unit": self.unit,
            "level": self.level,
            "factor": self.factor if self.bounded else None,
            "flag_above": self.flag_above,
            "floor": self.calibration.floor,
            "gain": self.calibration.gain,
            "factors": dict(zip(self.landmarks, self.calibration.factors.tolist(), strict=True)),
            "n_sigma_sources": self.n_sigma_sources,
            "n_radius_sources": self.n_radius_sources,
        }

    @classmethod
    def from_report(cls, report: dict[str, Any]) -> "UncertaintyModel":
        """Read what `to_report` wrote.

        Raises:
            ValidationError: the report is not valid.
        """
        found = ModelReport.model_validate(report)
        return cls(
            unit=found.unit,
            landmarks=tuple(found.factors),
            calibration=SigmaCalibration(found.floor, found.gain, np.array(list(found.factors.values()))),
            factor=math.inf if found.factor is None else found.factor,
            level=found.level,
            flag_above=found.flag_above,
            n_sigma_sources=found.n_sigma_sources,
            n_radius_sources=found.n_radius_sources,
        )


class ModelReport(BaseModel):
    """Schema of a stored model, validated when it is read."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    unit: Unit
    level: float = Field(gt=0, lt=1)
    factor: Annotated[float, Field(ge=0)] | None
    flag_above: float = Field(ge=0)
    floor: float = Field(ge=0)
    gain: float = Field(ge=0)
    factors: dict[str, Annotated[float, Field(gt=0)]] = Field(min_length=1)
    n_sigma_sources: int = Field(ge=1)
    n_radius_sources: int = Field(ge=1)


def fit_uncertainty(held_out: StageErrors, landmarks: list[str], unit: Unit, params: UncertaintyParams) -> UncertaintyModel:
    """Fit an uncertainty model: standard deviations on one part of the held-out sources, radii and flags on the other part.

    All sources of a patient are in the same part, and count as one.

    Raises:
        TooFewSourcesError: sources of fewer than two patients have a known error and standard deviation.
    """
    known = np.flatnonzero((np.isfinite(held_out.errors) & np.isfinite(held_out.sigma)).any(axis=1))
    names = np.arange(len(held_out.errors)) if held_out.patients is None else held_out.patients
    _, first = np.unique(names[known], return_index=True)
    if len(first) < 2:
        raise TooFewSourcesError(
            f"held-out sources of {len(first)} patients have truth and prediction, expected at least 2 to calibrate uncertainty."
        )
    order = np.random.default_rng(params.seed).permutation(known[np.sort(first)])
    n_radius = min(max(round(params.share_for_radii * len(order)), 1), len(order) - 1)
    of_patients = [known[names[known] == names[row]] for row in order]
    for_sigma, for_radius = (held_out.rows(np.concatenate(part)) for part in (of_patients[n_radius:], of_patients[:n_radius]))
    calibration = fit_sigma(for_sigma.errors, for_sigma.sigma)
    calibrated = calibration(for_radius.sigma)
    scores = _row_a_patient(for_radius.errors / calibrated, [len(rows) for rows in of_patients[:n_radius]])
    return UncertaintyModel(
        unit=unit,
        landmarks=tuple(landmarks),
        calibration=calibration,
        factor=conformal_factor(scores, params.level),
        level=params.level,
        flag_above=float(np.nanquantile(calibrated, 1 - params.flag_share)),
        n_sigma_sources=len(order) - n_radius,
        n_radius_sources=n_radius,
    )


def _row_a_patient(scores: NDArray[np.float64], counts: Sequence[int]) -> NDArray[np.float64]:
    """Scores `(N, K)` of films sorted by patient as one row per patient, `(P, most films · K)`, padded with NaN."""
    rows = np.full((len(counts), max(counts) * scores.shape[1]), np.nan)
    for row, films in zip(rows, np.split(scores, np.cumsum(counts)[:-1]), strict=True):
        row[: films.size] = films.ravel()
    return rows
