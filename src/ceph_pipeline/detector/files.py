"""The checkpoint files of a detector and of an ensemble of detectors. This module does not import torch."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from ceph_pipeline.artifacts import fingerprint, write_atomically
from ceph_pipeline.detector.inputs import DetectorError

if TYPE_CHECKING:
    from collections.abc import Sequence

STAGE1_FILE, STAGE2_FILE = "stage1/best.ckpt", "stage2/best.ckpt"

ENSEMBLE_FILE = "detectors.json"
"""Lists an ensemble's detectors with their digests; written to the ensemble's folder when all detectors are trained."""

_LISTED = TypeAdapter(dict[NonNegativeInt, dict[str, str]])


class DetectorFiles(NamedTuple):
    """The checkpoints of each stage.

    Attributes:
        stage1: One checkpoint, or several of an ensemble.
        stage2: As many checkpoints as `stage1`, or none.
    """

    stage1: tuple[Path, ...]
    stage2: tuple[Path, ...] = ()

    @classmethod
    def of(cls, stage1: Path, stage2: Path | None = None, ensemble: Path | None = None) -> DetectorFiles:
        """The checkpoints of one detector or, if `ensemble` is given, of the ensemble in that folder.

        Raises:
            DetectorError: the ensemble's first detector is another one, or the ensemble is incomplete.
        """
        alone = cls((stage1,), () if stage2 is None else (stage2,))
        if ensemble is None:
            return alone
        together = files_in(ensemble)
        if cls(together.stage1[:1], together.stage2[:1]).digests() != alone.digests():
            raise DetectorError(
                f"{ensemble}: its first detector is not the present one ({stage1}), which was trained again later: run the "
                "pipeline ensemble again."
            )
        return together

    def detector(self, number: int) -> DetectorFiles:
        """The checkpoints of one detector of an ensemble, which are numbered from 0."""
        return DetectorFiles(self.stage1[number : number + 1], self.stage2[number : number + 1])

    def digests(self) -> dict[str, str]:
        """Digest of the checkpoints of each stage."""
        return {stage: _digest(paths) for stage, paths in (("stage1", self.stage1), ("stage2", self.stage2)) if paths}


def files_in(folder: Path, name: str | None = None) -> DetectorFiles:
    """The checkpoints in the folder of a detector or of an ensemble (`0/stage1/best.ckpt`, `1/stage1/best.ckpt`, …).

    `detectors.json` lists the detectors of an ensemble. Without this file, as in the folder of cross-validation, all folders
    named by numbers are used.

    Args:
        folder: Contains `stage1/best.ckpt` or folders named by numbers.
        name: Name of the folder in messages; the folder's path by default.

    Raises:
        DetectorError: there is no checkpoint of stage 1, or only some of an ensemble's detectors have a checkpoint of stage 2.
    """
    detectors = [folder] if is_detector(folder) else ensemble_detectors(folder)
    if not detectors:
        found = f"the folder has no {STAGE1_FILE}" if folder.is_dir() else "a file" if folder.exists() else "no such folder"
        raise DetectorError(
            f"{name or folder}: {found}. Run the stage1 pipeline, or give the folder that contains {STAGE1_FILE}, or the folder "
            "of an ensemble."
        )
    return joined([_single(each) for each in detectors])


def joined(detectors: Sequence[DetectorFiles]) -> DetectorFiles:
    """Combine the checkpoints of several detectors into one ensemble.

    Raises:
        DetectorError: only some of the detectors have a stage 2.
    """
    stage1 = tuple(path for detector in detectors for path in detector.stage1)
    stage2 = tuple(path for detector in detectors for path in detector.stage2)
    if len(stage2) not in (0, len(stage1)):
        alone = next(detector.stage1[0] for detector in detectors if not detector.stage2)
        raise DetectorError(
            f"{alone.parents[1]} has no {STAGE2_FILE}, but {len(stage2)} of {len(stage1)} detectors of the ensemble have one: "
            "run the pipeline that trains them (ensemble, or folds) to its end, or leave this folder out."
        )
    return DetectorFiles(stage1, stage2)


def is_detector(folder: Path) -> bool:
    """Whether a folder contains a trained detector."""
    return (folder / STAGE1_FILE).is_file()


def ensemble_detectors(folder: Path) -> list[Path]:
    """The folders of an ensemble's detectors, in the order of their numbers; empty if there is no ensemble.

    Raises:
        DetectorError: `detectors.json` is damaged, or lists a detector that is missing or was trained again later.
    """
    file = folder / ENSEMBLE_FILE
    if not file.is_file():
        found = [path for path in folder.glob("[0-9]*") if re.fullmatch("0|[1-9][0-9]*", path.name) and is_detector(path)]
        return sorted(found, key=lambda path: int(path.name))
    try:
        listed = _LISTED.validate_json(file.read_bytes())
    except ValidationError:
        raise DetectorError(f"{file}: damaged, expected digests by number: run the pipeline ensemble again.") from None
    for number, digests in listed.items():
        if not is_detector(folder / str(number)):
            raise DetectorError(f"{file} lists {number}, which has no {STAGE1_FILE}: run the pipeline ensemble again.")
        if _single(folder / str(number)).digests() != digests:
            raise DetectorError(
                f"{file}: detector {number} is not the listed one; the pipeline ensemble may have been stopped while it trained "
                "the detectors again. Run the pipeline to its end."
            )
    return [folder / str(number) for number in listed]


def list_detectors(folder: Path, numbers: Sequence[int]) -> None:
    """Write `detectors.json`, which marks an ensemble as complete."""
    listed = {number: _single(folder / str(number)).digests() for number in numbers}
    write_atomically(folder / ENSEMBLE_FILE, json.dumps(listed))


def models_folder_of(folder: Path) -> Path:
    """The folder to which the evaluation writes: the detector's folder, or the parent folder of an ensemble."""
    parent = folder.absolute().parent
    return parent if not is_detector(folder) and is_detector(parent) else folder


def _single(folder: Path) -> DetectorFiles:
    """The checkpoints of one detector, including stage 2 if present."""
    stage2 = folder / STAGE2_FILE
    return DetectorFiles((folder / STAGE1_FILE,), (stage2,) if stage2.is_file() else ())


def _digest(paths: tuple[Path, ...]) -> str:
    digests = [fingerprint(path) for path in paths]
    return digests[0] if len(digests) == 1 else fingerprint(digests)
