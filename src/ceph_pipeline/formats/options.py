"""Options for annotation files that lack this information."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.formats.entries import MAX_PIXEL_SIZE_MM
from ceph_pipeline.images.header import MIN_SPACING_MM
from ceph_pipeline.landmarks import (
    SCHEMAS,
    Landmark,
    LandmarkSchema,
    UnknownLandmarkError,
    find,
    is_known,
    nearest_name,
    own_schema,
)
from ceph_pipeline.landmarks.aliases import spelling
from ceph_pipeline.landmarks.schemas import by_spelling, tidy


class TableOptions(Params):
    """Columns of a sheet.

    A wide sheet has one row per image and two columns per landmark, `x` and `y`, with `{landmark}` in their names. A long sheet
    has one row per point and a column `landmark`.
    """

    image: str = Field("image", description="column with the image's file name or identifier")
    x: str = Field("{landmark}_x", description="column of x; contains {landmark} if each landmark has its own column")
    y: str = Field("{landmark}_y", description="column of y; contains {landmark} if each landmark has its own column")
    landmark: str | None = Field(None, description="column with the landmark's name, for a long sheet")
    reader: str | None = Field(None, description="column with the annotator")
    split: str | None = Field(None, description="column with train, valid or test")
    pixel_size_mm: str | float | None = Field(None, description="column with the pixel size in mm, or one number for all images")
    width: str | None = Field(
        None, description="column with the image's width; with width and height, the images themselves are not required"
    )
    height: str | None = Field(None, description="column with the image's height")
    separator: str | None = Field(
        None, min_length=1, max_length=1, description="column separator; null: detected in the first line"
    )
    decimal_comma: bool | None = Field(
        None,
        description="whether numbers have decimal commas; null: yes if columns are not separated by commas and a number "
        "contains a comma that is not a thousands separator. A value such as 1.234 then raises an error",
    )
    encoding: str | None = Field(
        None, description="encoding of the file; null: from the byte-order mark, otherwise UTF-8, otherwise cp1252"
    )
    sheet: str | None = Field(None, description="name of the sheet in an Excel file; null: the first sheet")
    y_up: bool = Field(
        False, description="true: y is measured upwards from the lower edge of the image, as in tps files: y = height - y"
    )
    unit: Literal["px", "mm"] = Field("px", description="unit of the coordinates; mm requires `pixel_size_mm`")
    origin_px: tuple[float, float] = Field((0.0, 0.0), description="position of the origin (0, 0) in the image, for unit mm")

    @model_validator(mode="after")
    def _wide_or_long(self) -> TableOptions:
        wide = "{landmark}" in self.x and "{landmark}" in self.y
        if wide == (self.landmark is not None):
            raise ValueError(
                "wide sheet: x and y must contain {landmark}; long sheet: set `landmark`, and x and y without {landmark}"
            )
        size = self.pixel_size_mm
        if self.unit == "mm" and size is None:
            raise ValueError("unit mm requires pixel_size_mm")
        if isinstance(size, float | int) and not MIN_SPACING_MM <= size <= MAX_PIXEL_SIZE_MM:
            raise ValueError(f"pixel_size_mm: {size!r}; expected {MIN_SPACING_MM:g} to {MAX_PIXEL_SIZE_MM:g}")
        return self


class ReadOptions(Params):
    """Options of `ceph_pipeline.formats.read`, `ingestion.reading` in the configuration."""

    landmarks: str | tuple[str | dict[str, str], ...] | None = Field(
        None,
        description="landmarks in the order in which files number points without naming them: the name of a schema, or a "
        "list of names or of {name, symbol, group}",
    )
    labels: dict[str, str] = Field(
        {},
        description="name of a landmark for each label that the files use for it; a label under its own name remains a landmark "
        "of its own",
    )
    first_pixel: float = Field(
        0.0,
        ge=0,
        le=1,
        description="coordinate of the centre of the first pixel: 0, 1, or 0.5 if coordinates start at the image's edge",
    )
    blank_shows_none: bool = Field(
        False,
        description="for Label Studio exports: true: an annotation submitted without a point means that the film shows "
        "none of the landmarks, for instance no ruler; false: the film is quarantined",
    )
    only_landmarks: bool = Field(
        False,
        description="true: points of other landmarks than `landmarks` are skipped, with a note",
    )
    table: TableOptions | None = Field(None, description="columns of a sheet, for format table; null: the defaults below")

    @model_validator(mode="after")
    def _known(self) -> ReadOptions:
        if self.only_landmarks and self.landmarks is None:
            raise ValueError("only_landmarks requires `landmarks`, a schema's name or a list")
        if isinstance(self.landmarks, str) and self.landmarks not in SCHEMAS:
            raise ValueError(f"landmarks: unknown schema {self.landmarks!r}; expected one of {', '.join(SCHEMAS)}, or a list")
        self.schema_of_landmarks()
        return self

    def schema_of_landmarks(self) -> LandmarkSchema | None:
        """The landmarks of the option `landmarks`, in order, or None."""
        if self.landmarks is None:
            return None
        return SCHEMAS[self.landmarks] if isinstance(self.landmarks, str) else own_schema("configured", self.landmarks)


class LandmarkNames:
    """Maps labels in files to landmarks.

    Args:
        options: The user's options.
        numbered: Landmarks of numbered points, from 1, if the format defines them.
    """

    def __init__(self, options: ReadOptions, numbered: LandmarkSchema | None = None) -> None:
        self.schema = options.schema_of_landmarks()
        self._only = {landmark.name for landmark in self.schema} if self.schema and options.only_landmarks else None
        self._numbered = self.schema or numbered
        self._labels = {tidy(label): name for label, name in options.labels.items()}
        own = self.schema or ()
        self._own = {key: landmark for landmark in own for key in (landmark.name, landmark.symbol)}
        apart = (label for label, name in self._labels.items() if label == tidy(name) and label not in self._own)
        self._own |= {label: Landmark(label, label, "unknown") for label in apart if not is_known(label)}
        self._own_spellings = by_spelling(self._own)
        self._kept: dict[str, Landmark | None] = {}

    def of(self, label: str) -> Landmark | None:
        """The landmark of a label; a new landmark for a label outside all schemas; None for a number without a name."""
        if label not in self._kept:
            self._kept[label] = self._look_up(tidy(label))
        return self._kept[label]

    def leaves_out(self, label: str) -> bool:
        """Whether `only_landmarks` excludes the label; False for a number without a name, which is a problem instead."""
        landmark = self.of(label) if self._only is not None else None
        return landmark is not None and landmark.name not in (self._only or ())

    @property
    def order(self) -> tuple[Landmark, ...]:
        """Landmarks of numbered points, from 1."""
        return self._numbered.landmarks if self._numbered else ()

    def reason_unknown(self, name: str) -> str | None:
        """The reason for a note on a landmark that is neither among the user's landmarks nor in any schema."""
        if name in self._own or is_known(name):
            return None
        near = nearest_name(name)
        return f"a landmark's name or symbol{f' (nearest: {near!r})' if near else ''}; see `ingestion.reading.labels`"

    def _look_up(self, label: str) -> Landmark | None:
        label = tidy(self._labels.get(label, label))
        known = _find(label)
        found = self._own.get(label) or (known if is_known(label) else self._own_spellings.get(spelling(label), known))
        if found is not None or not (label.isascii() and label.isdigit()):
            return found or Landmark(label, label, "unknown")
        number = int(label) if len(label) < 6 else 0
        return self.order[number - 1] if 1 <= number <= len(self.order) else None


def _find(label: str) -> Landmark | None:
    try:
        return find(label)
    except UnknownLandmarkError:
        return None
