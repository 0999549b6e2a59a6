"""Where a detector's checkpoints lie, and those of several detectors that answer together. Free of torch."""

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
"""Lists an ensemble's detectors with their digests, in its folder; written when all of them are there."""

_LISTED = TypeAdapter(dict[NonNegativeInt, dict[str, str]])


class DetectorFiles(NamedTuple):
    """The checkpoints of each stage.

    Attributes:
        stage1: One, or several of an ensemble.
        stage2: As many, or none.
    """

    stage1: tuple[Path, ...]
    stage2: tuple[Path, ...] = ()

    @classmethod
    def of(cls, stage1: Path, stage2: Path | None = None, ensemble: Path | None = None) -> DetectorFiles:
        """Those of one detector, or, where its folder is given, of the ensemble that begins with that detector.

        Raises:
            DetectorError: the ensemble begins with another detector, or is not complete.
        """
        alone = cls((stage1,), () if stage2 is None else (stage2,))
        if ensemble is None:
            return alone
        together = files_in(ensemble)
        if cls(together.stage1[:1], together.stage2[:1]).digests() != alone.digests():
            raise DetectorError(
                f"{ensemble}: its first detector is not the present one ({stage1}), which has been trained again since: run the "
                "pipeline ensemble again."
            )
        return together

    def digests(self) -> dict[str, str]:
        """What the networks of each stage are known by."""
        return {stage: _digest(paths) for stage, paths in (("stage1", self.stage1), ("stage2", self.stage2)) if paths}


def files_in(folder: Path, name: str | None = None) -> DetectorFiles:
    """The checkpoints in the folder of a detector, or in that of an ensemble: `0/stage1/best.ckpt`, `1/stage1/best.ckpt`, ….

    An ensemble's detectors are those that its `detectors.json` lists; without one, as in the folder of cross-validation, all that
    are named by numbers.

    Args:
        folder: Where `stage1/best.ckpt` is, or folders named by numbers are.
        name: What a message calls it; the folder by default.

    Raises:
        DetectorError: there is no checkpoint of stage 1, or only some of an ensemble's detectors have one of stage 2.
    """
    detectors = [folder] if is_detector(folder) else ensemble_detectors(folder)
    if not detectors:
        found = f"no {STAGE1_FILE} in there" if folder.is_dir() else "a file" if folder.exists() else "no such folder"
        raise DetectorError(
            f"{name or folder}: {found}. Run the stage1 pipeline, or name the models' folder, which holds {STAGE1_FILE}, or an "
            "ensemble's."
        )
    return joined([_single(each) for each in detectors])


def joined(detectors: Sequence[DetectorFiles]) -> DetectorFiles:
    """The checkpoints of several detectors as those of one ensemble.

    Raises:
        DetectorError: only some of them have a stage 2.
    """
    stage1 = tuple(path for detector in detectors for path in detector.stage1)
    stage2 = tuple(path for detector in detectors for path in detector.stage2)
    if len(stage2) not in (0, len(stage1)):
        alone = next(detector.stage1[0] for detector in detectors if not detector.stage2)
        raise DetectorError(
            f"{alone.parents[1]} has no {STAGE2_FILE}, and {len(stage2)} of {len(stage1)} detectors that shall answer together "
            "have one: run the pipeline that trains them (ensemble, or folds) to its end, or name the others' folders."
        )
    return DetectorFiles(stage1, stage2)


def is_detector(folder: Path) -> bool:
    """Whether a folder holds a trained detector."""
    return (folder / STAGE1_FILE).is_file()


def ensemble_detectors(folder: Path) -> list[Path]:
    """The folders of an ensemble's detectors, in the order of their numbers; none where there is no ensemble.

    Raises:
        DetectorError: `detectors.json` is damaged, or lists a detector that is not there or has been trained again since.
    """
    file = folder / ENSEMBLE_FILE
    if not file.is_file():
        found = [path for path in folder.glob("[0-9]*") if re.fullmatch("0|[1-9][0-9]*", path.name) and is_detector(path)]
        return sorted(found, key=lambda path: int(path.name))
    try:
        listed = _LISTED.validate_json(file.read_bytes())
    except ValidationError:
        raise DetectorError(f"{file}: not what the pipeline ensemble wrote, digests by number: run it again.") from None
    for number, digests in listed.items():
        if not is_detector(folder / str(number)):
            raise DetectorError(f"{file} lists {number}, which has no {STAGE1_FILE}: run the pipeline ensemble again.")
        if _single(folder / str(number)).digests() != digests:
            raise DetectorError(
                f"{file}: detector {number} is not the one that was listed, as where the pipeline ensemble was stopped while it "
                "trained them anew: run it to its end."
            )
    return [folder / str(number) for number in listed]


def list_detectors(folder: Path, numbers: Sequence[int]) -> None:
    """Write `detectors.json`, by which an ensemble is complete."""
    listed = {number: _single(folder / str(number)).digests() for number in numbers}
    write_atomically(folder / ENSEMBLE_FILE, json.dumps(listed))


def models_folder_of(folder: Path) -> Path:
    """Where the evaluation leaves what it has learned of a detector: its folder, or the one that an ensemble lies in."""
    parent = folder.absolute().parent
    return parent if not is_detector(folder) and is_detector(parent) else folder


def _single(folder: Path) -> DetectorFiles:
    """The checkpoints of one detector, with stage 2 where it is there."""
    stage2 = folder / STAGE2_FILE
    return DetectorFiles((folder / STAGE1_FILE,), (stage2,) if stage2.is_file() else ())


def _digest(paths: tuple[Path, ...]) -> str:
    digests = [fingerprint(path) for path in paths]
    return digests[0] if len(digests) == 1 else fingerprint(digests)
