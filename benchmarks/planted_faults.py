"""Recall and precision of the audit's checks on faults planted at known positions in phantoms (synthetic cephalograms).

    python benchmarks/planted_faults.py --images 240 --rounds 5

Every fault is planted into a separate clean set, the tables of phantoms whose images are not drawn. Every other finding of the
check in that set is therefore a false positive.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ceph_pipeline.audit import CHECKS, AuditParams, Evidence
from ceph_pipeline.landmarks import find
from ceph_pipeline.landmarks.tables import SPLITS
from ceph_pipeline.phantom.readers import read_landmarks
from ceph_pipeline.phantom.specimen import sample_specimen

if TYPE_CHECKING:
    from ceph_pipeline.audit import Finding

LONG_SIDE_PX = 1600
SHARES = {"train": 0.7, "valid": 0.15, "test": 0.15}
NO_PAIRS = pd.DataFrame(columns=["image_a", "image_b", "split_a", "split_b"])

Place = tuple[str, str]
"""An image and a landmark; either is empty if it does not apply."""


@dataclass
class Tables:
    """Tables of a set of phantoms as written by ingestion, into which faults are planted."""

    images: pd.DataFrame
    landmarks: pd.DataFrame
    cvm: pd.DataFrame
    quarantine: pd.DataFrame = field(default_factory=lambda: pd.DataFrame({"item": [], "reason": [], "outcome": []}, dtype=str))
    duplicates: pd.DataFrame = field(default_factory=lambda: NO_PAIRS)

    def evidence(self) -> Evidence:
        """The tables as input of the audit's checks."""
        return Evidence(self.images, self.landmarks, self.quarantine, self.duplicates, self.cvm)

    def copy(self) -> Tables:
        """A copy of the tables that may be changed."""
        return replace(self, images=self.images.copy(), landmarks=self.landmarks.copy(), cvm=self.cvm.copy())

    def point(self, image_id: str, landmark: str, reader: str) -> NDArray[np.float64]:
        """Coordinates (x, y) of a point in px."""
        return np.asarray(self.landmarks.loc[self._at(image_id, landmark, reader), ["x", "y"]].to_numpy(np.float64)[0])

    def put(self, image_id: str, landmark: str, reader: str, xy: ArrayLike) -> None:
        """Set the coordinates of a point, in px."""
        self.landmarks.loc[self._at(image_id, landmark, reader), ["x", "y"]] = np.asarray(xy, np.float64)

    def pixel_size(self, image_id: str) -> float:
        """Pixel size of an image in mm."""
        return float(self.images.loc[self.images["image_id"] == image_id, "pixel_size_mm"].iloc[0])

    def _at(self, image_id: str, landmark: str, reader: str) -> pd.Series[bool]:
        table = self.landmarks
        return (table["image_id"] == image_id) & (table["landmark"] == landmark) & (table["reader"] == reader)


class Score(NamedTuple):
    """Result of a check for one kind of fault.

    Attributes:
        planted: Number of places with the fault.
        found: Number of places with the fault that the check reports.
        false: Number of places without the fault that the check reports.
    """

    planted: int
    found: int
    false: int

    @property
    def recall(self) -> float:
        """Share of the planted faults that were found."""
        return self.found / self.planted if self.planted else float("nan")

    @property
    def precision(self) -> float:
        """Share of the reported places that have the fault."""
        named = self.found + self.false
        return self.found / named if named else float("nan")


def undrawn_phantoms(n_images: int, seed: int) -> Tables:
    """Tables of phantoms of all devices, with two readers, the ruler marks p1 and p2, and CVM stages."""
    rows, points, stages = [], [], []
    bounds = np.cumsum([round(n_images * SHARES[split]) for split in SPLITS])
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_images)  # devices are independent of splits
    for number in range(n_images):
        specimen = sample_specimen(int(order[number]), seed, LONG_SIDE_PX)
        image_id = f"p{number:04d}"
        split = SPLITS[min(int(np.searchsorted(bounds, number, side="right")), 2)]
        rows.append((image_id, split, *specimen.size, specimen.pixel_size_mm, specimen.device.machine))
        stages.append((image_id, specimen.face.cvm_stage))
        for reader, placed in read_landmarks(specimen, number, seed, 1.0).items():
            points += [(image_id, reader, find(symbol).name, *xy) for symbol, xy in placed.items()]
            points += [(image_id, reader, mark, *(xy + rng.normal(0, 1, 2))) for mark, xy in specimen.ruler_px().items()]
    images = pd.DataFrame(rows, columns=["image_id", "split", "width", "height", "pixel_size_mm", "machine"])
    images = images.assign(path=images["image_id"] + ".png", subset=images["split"], dataset="phantom")
    return Tables(
        images,
        pd.DataFrame(points, columns=["image_id", "reader", "landmark", "x", "y"]),
        pd.DataFrame(stages, columns=["image_id", "stage"]),
    )


Fault = Callable[[Tables, np.random.Generator], "set[Place]"]
"""Plants a fault into the tables, and returns its places."""


def _some(tables: Tables, rng: np.random.Generator, share: float = 0.05) -> list[str]:
    image_ids = tables.images["image_id"].tolist()
    return [image_ids[row] for row in rng.choice(len(image_ids), max(3, round(share * len(image_ids))), replace=False)]


def _any_landmark(tables: Tables, rng: np.random.Generator) -> str:
    names = sorted(set(tables.landmarks["landmark"]) - {"p1", "p2"})
    return str(names[int(rng.integers(len(names)))])


def point_outside(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A point beyond the right edge of the image."""
    planted = set()
    for image_id in _some(tables, rng):
        name = _any_landmark(tables, rng)
        width = float(tables.images.loc[tables.images["image_id"] == image_id, "width"].iloc[0])
        tables.put(image_id, name, "senior", (width + rng.uniform(1, 400), 300.0))
        planted.add((image_id, name))
    return planted


def placeholder(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A point at (0, 0) or (50, 50)."""
    planted = set()
    for image_id in _some(tables, rng):
        name, corner = _any_landmark(tables, rng), float(rng.choice([0.0, 50.0]))
        tables.put(image_id, name, "junior", (corner, corner))
        planted.add((image_id, name))
    return planted


def missing_point(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A point that is NaN, or whose row is absent."""
    planted = set()
    for image_id in _some(tables, rng):
        name = _any_landmark(tables, rng)
        tables.put(image_id, name, "senior", (np.nan, np.nan))
        planted.add((image_id, name))
    rows = tables.landmarks
    tables.landmarks = rows[~(rows["x"].isna() & (rng.random(len(rows)) < 0.5))].reset_index(drop=True)
    return planted


def same_spot(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A landmark on the pixel of another landmark."""
    planted = set()
    for image_id in _some(tables, rng):
        one, other = _any_landmark(tables, rng), _any_landmark(tables, rng)
        if one != other:
            tables.put(image_id, one, "senior", tables.point(image_id, other, "senior"))
            planted |= {(image_id, one), (image_id, other)}
    return planted


SWAPS = (("Sella", "Nasion"), ("Upper Incisor Tip", "Lower Incisor Apex"), ("Porion", "Gonion"), ("Nasion", "Orbitale"))


def swapped(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """Two landmarks with exchanged names."""
    planted = set()
    for image_id in _some(tables, rng):
        pair = SWAPS[int(rng.integers(len(SWAPS)))]
        one, other = (tables.point(image_id, name, "senior") for name in pair)
        tables.put(image_id, pair[0], "senior", other)
        tables.put(image_id, pair[1], "senior", one)
        planted |= {(image_id, name) for name in pair}
    return planted


def moved(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A landmark 20 to 40 mm from its correct position, in a random direction."""
    planted = set()
    for image_id in _some(tables, rng):
        name, angle = _any_landmark(tables, rng), rng.uniform(0, 2 * np.pi)
        move = rng.uniform(20, 40) / tables.pixel_size(image_id) * np.array([np.cos(angle), np.sin(angle)])
        tables.put(image_id, name, "junior", tables.point(image_id, name, "junior") + move)
        planted.add((image_id, name))
    return planted


def readers_apart(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A reader's point 15 mm from the other reader's point."""
    planted = set()
    for image_id in _some(tables, rng):
        name = _any_landmark(tables, rng)
        away = np.array([0, 15 / tables.pixel_size(image_id)])
        tables.put(image_id, name, "junior", tables.point(image_id, name, "senior") + away)
        planted.add((image_id, name))
    return planted


def copied(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """The junior reader copies the senior reader's point of one landmark on three of ten images."""
    name = _any_landmark(tables, rng)
    for image_id in _some(tables, rng, 0.3):
        tables.put(image_id, name, "junior", tables.point(image_id, name, "senior"))
    return {("", name)}


def _shift(tables: Tables, rng: np.random.Generator, image_ids: list[str], mm: float) -> set[Place]:
    names = rng.choice(sorted(set(tables.landmarks["landmark"]) - {"p1", "p2"}), 4, replace=False).tolist()
    sizes = tables.images.set_index("image_id")["pixel_size_mm"]
    rows = tables.landmarks
    for name in names:
        angle = rng.uniform(0, 2 * np.pi)
        at = (rows["reader"] == "junior") & (rows["landmark"] == name) & rows["image_id"].isin(image_ids)
        px = mm / rows.loc[at, "image_id"].map(sizes).to_numpy()
        rows.loc[at, ["x", "y"]] += px[:, None] * [np.cos(angle), np.sin(angle)]
    return {("", name) for name in names}


def constant_offset(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """The junior reader's points of four landmarks have a constant offset of 2 mm on every image."""
    return _shift(tables, rng, tables.images["image_id"].tolist(), 2.0)


def drift(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """The junior reader's convention for four landmarks changes by 1.5 mm at an image in the middle half of the images."""
    image_ids = tables.images["image_id"].tolist()
    first = int(rng.integers(len(image_ids) // 4, 3 * len(image_ids) // 4))
    return _shift(tables, rng, image_ids[first:], 1.5)


def wrong_device_scale(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A device whose pixel size is 1.8 times the true one."""
    machine = str(rng.choice(_frequent(tables)))
    tables.images.loc[tables.images["machine"] == machine, "pixel_size_mm"] *= 1.8
    return {(machine, "")}


def wrong_image_scale(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """An image whose pixel size is half the true one."""
    planted = _some(tables, rng)
    tables.images.loc[tables.images["image_id"].isin(planted), "pixel_size_mm"] *= 0.5
    return {(image_id, "") for image_id in planted}


def wrong_ruler_scale(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A device whose pixel size is 10 % too large: the ruler reveals this fault, S–N does not."""
    machine = str(rng.choice(_frequent(tables)))
    tables.images.loc[tables.images["machine"] == machine, "pixel_size_mm"] *= 1.1
    return {(machine, "")}


def _frequent(tables: Tables) -> list[str]:
    counts = tables.images["machine"].value_counts()
    return sorted(counts.index[counts >= 6])


def turned_face(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A patient who faces left: the points are mirrored, as on a mirrored image."""
    planted = _some(tables, rng)
    widths = tables.images.set_index("image_id")["width"]
    rows = tables.landmarks["image_id"].isin(planted)
    tables.landmarks.loc[rows, "x"] = tables.landmarks.loc[rows, "image_id"].map(widths) - 1 - tables.landmarks.loc[rows, "x"]
    return {(image_id, "") for image_id in planted}


def untrained_device(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A device whose images are all test images."""
    machine = str(rng.choice(_frequent(tables)))
    tables.images.loc[tables.images["machine"] == machine, ["split", "subset"]] = "test"
    return {(machine, "")}


def rare_stage(tables: Tables, rng: np.random.Generator) -> set[Place]:
    """A CVM stage that at most one image has."""
    stage = int(rng.integers(1, 7))
    kept = (tables.cvm["stage"] != stage) | (tables.cvm.groupby("stage").cumcount() < 1)
    tables.cvm = tables.cvm[kept].reset_index(drop=True)
    return {(f"CS{stage}", "")}


FAULTS: dict[str, tuple[str, Fault]] = {
    "point outside": ("points_outside", point_outside),
    "placeholder": ("placeholder_points", placeholder),
    "two landmarks on one spot": ("placeholder_points", same_spot),
    "missing point": ("missing_points", missing_point),
    "two landmarks swapped": ("swapped_landmarks", swapped),
    "landmark moved 20–40 mm": ("shape_outliers", moved),
    "reader 15 mm off": ("readers_apart", readers_apart),
    "landmark copied": ("reader_independence", copied),
    "constant offset of 2 mm": ("reader_offset", constant_offset),
    "drift of 1.5 mm": ("reader_drift", drift),
    "device's pixel size × 1.8": ("device_scale", wrong_device_scale),
    "image's pixel size × 0.5": ("sella_nasion", wrong_image_scale),
    "device's pixel size × 1.1": ("ruler_scale", wrong_ruler_scale),
    "face turned": ("face_direction", turned_face),
    "device without training images": ("device_splits", untrained_device),
    "rare CVM stage": ("cvm_balance", rare_stage),
}
"""Faults by name, each with the check that must find it."""


def places(findings: list[Finding], planted: set[Place]) -> Iterator[Place]:
    """Places of the findings, as detailed as the planted places; devices and CVM stages are identified by names in the text."""
    of_landmarks = any(landmark for _, landmark in planted)
    of_images = any(not image_id or image_id.startswith("p0") for image_id, _ in planted)
    for finding in findings:
        if of_landmarks:
            for name in filter(None, finding.landmark.split(", ")):
                yield finding.image_id, name
        elif of_images:
            yield finding.image_id, ""
        elif not finding.image_id:
            yield next(((name, "") for name, _ in planted if name in finding.detail), (finding.detail, ""))


def score(check: str, tables: Tables, planted: set[Place], params: AuditParams) -> Score:
    """Compare the findings of a check with the planted places."""
    named = set(places(list(CHECKS[check].find(tables.evidence(), params)), planted))
    return Score(len(planted), len(planted & named), len(named - planted))


def score_table_faults(n_images: int, rounds: int, params: AuditParams | None = None) -> dict[str, Score]:
    """Plant each fault of `FAULTS` into `rounds` sets of phantoms, and sum the scores."""
    params = params or AuditParams()
    totals = dict.fromkeys(FAULTS, Score(0, 0, 0))
    for number in range(rounds):
        clean = undrawn_phantoms(n_images, seed=number)
        for name, (check, plant) in FAULTS.items():
            spoilt = clean.copy()
            planted = plant(spoilt, np.random.default_rng([number, len(name)]))
            totals[name] = Score(*(a + b for a, b in zip(totals[name], score(check, spoilt, planted, params), strict=True)))
    return totals


def as_markdown(scores: dict[str, Score], checks: dict[str, str]) -> str:
    """The table of docs/audit.md."""
    lines = ["| fault | check | planted | recall | precision |", "|---|---|---|---|---|"]
    lines += [
        f"| {name} | `{checks[name]}` | {found.planted} | {found.recall:.3f} | {found.precision:.3f} |"
        for name, found in scores.items()
    ]
    return "\n".join(lines)


def main() -> None:
    """Plant the faults, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    scores = score_table_faults(arguments.images, arguments.rounds)
    print(as_markdown(scores, {name: check for name, (check, _) in FAULTS.items()}))


if __name__ == "__main__":
    main()
