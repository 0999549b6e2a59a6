"""Where a detector's checkpoints lie, and those of several detectors that answer together. Free of torch."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ceph_pipeline.artifacts import fingerprint
from ceph_pipeline.detector.inputs import DetectorError

STAGE1_FILE, STAGE2_FILE = "stage1/best.ckpt", "stage2/best.ckpt"


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
        """Those of one detector, or of the ensemble in whose folder it is one of several."""
        return files_in(ensemble) if ensemble is not None else cls((stage1,), () if stage2 is None else (stage2,))

    def digests(self) -> dict[str, str]:
        """What the networks of each stage are known by."""
        return {stage: _digest(paths) for stage, paths in (("stage1", self.stage1), ("stage2", self.stage2)) if paths}


def files_in(folder: Path, name: str | None = None) -> DetectorFiles:
    """The checkpoints in the folder of a detector, or in that of an ensemble: `0/stage1/best.ckpt`, `1/stage1/best.ckpt`, ….

    Args:
        folder: Where `stage1/best.ckpt` is, or folders named by numbers are.
        name: What a message calls it; the folder by default.

    Raises:
        DetectorError: there is no checkpoint of stage 1, or only some of an ensemble's detectors have one of stage 2.
    """
    detectors = [folder] if is_detector(folder) else numbered_detectors(folder)
    if not detectors:
        raise DetectorError(
            f"{name or folder}: no {STAGE1_FILE} in there. Run the stage1 pipeline, or name the models' folder, or that of an "
            "ensemble."
        )
    return joined([DetectorFiles((each / STAGE1_FILE,), _existing(each / STAGE2_FILE)) for each in detectors])


def joined(detectors: list[DetectorFiles]) -> DetectorFiles:
    """The checkpoints of several detectors as those of one ensemble.

    Raises:
        DetectorError: only some of them have a stage 2.
    """
    stage1 = tuple(path for detector in detectors for path in detector.stage1)
    stage2 = tuple(path for detector in detectors for path in detector.stage2)
    if len(stage2) not in (0, len(stage1)):
        raise DetectorError(f"{len(stage2)} of {len(stage1)} folders hold {STAGE2_FILE}: give folders of whole detectors.")
    return DetectorFiles(stage1, stage2)


def is_detector(folder: Path) -> bool:
    """Whether a folder holds a trained detector."""
    return (folder / STAGE1_FILE).is_file()


def numbered_detectors(folder: Path) -> list[Path]:
    """The folders of an ensemble's detectors, which are named by numbers, in their order; none of a single detector's folder."""
    found = [path for path in folder.glob("[0-9]*") if path.name.isdecimal() and is_detector(path)]
    return sorted(found, key=lambda path: int(path.name))


def beside(folder: Path, file: str) -> Path:
    """Where the evaluation left a file about the networks: in their folder, or in the models' folder that an ensemble lies in."""
    above = folder.parent / file
    return above if not is_detector(folder) and not (folder / file).is_file() and above.is_file() else folder / file


def _existing(path: Path) -> tuple[Path, ...]:
    return (path,) if path.is_file() else ()


def _digest(paths: tuple[Path, ...]) -> str:
    digests = [fingerprint(path) for path in paths]
    return digests[0] if len(digests) == 1 else fingerprint(digests)
