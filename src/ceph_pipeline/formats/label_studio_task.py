"""A task of Label Studio, as JSON, JSON-MIN, CSV and its own import have it: whose results, of which image."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from ceph_pipeline.formats.entries import key_of
from ceph_pipeline.formats.film_names import ImageFolder, file_path
from ceph_pipeline.formats.layout import IMAGE_SUFFIXES
from ceph_pipeline.formats.reader_names import ReaderNames


class Annotators:
    """Names of readers: `annotator_<id>`, and a running number where an export has a mail address; models have their own."""

    def __init__(self) -> None:
        self._unnamed: dict[str, int] = {}
        self.models = ReaderNames()

    def name(self, author: Any) -> str:
        """What tables call an annotator, by the number, the mail address, or the object with one of them that an export has."""
        identifier = author.get("id", author.get("email")) if isinstance(author, dict) else author
        key = key_of(identifier)
        if key is not None and key.isascii() and key.isdigit():
            return f"annotator_{key}"
        if key is None:
            return "annotator_0"
        return f"annotator_x{self._unnamed.setdefault(key, len(self._unnamed) + 1)}"


def results_of(entry: Any, annotators: Annotators) -> dict[str, Any] | None:
    """Results by reader of a task, of its predictions, or of a JSON-MIN annotation; None where it is nothing of these."""
    if isinstance(entry, dict) and isinstance(entry.get("annotations"), list):
        return dict(_latest(entry["annotations"], annotators))
    if is_prediction(entry):
        return dict(_predicted(entry["predictions"], annotators))
    return {annotators.name(entry.get("annotator")): _minimal(entry)} if is_minimal(entry) else None


def unsubmitted(entry: Mapping[str, Any]) -> str:
    """What a task has instead of an annotation that counts."""
    lists = {kind: entry.get(kind) for kind in ("annotations", "drafts", "predictions")}
    counts = {kind: len(values) for kind, values in lists.items() if isinstance(values, list) and values}
    words = {"annotations": "cancelled", "drafts": "not submitted", "predictions": "not accepted"}
    return ", ".join(f"{kind} {words[kind]}: {count}" for kind, count in counts.items()) or "not annotated"


def is_prediction(entry: Any) -> bool:
    """Whether it is a task as Label Studio imports it: an export always has `annotations`, if only an empty list."""
    return isinstance(entry, dict) and "annotations" not in entry and isinstance(entry.get("predictions"), list)


def _predicted(predictions: list[Any], annotators: Annotators) -> Iterator[tuple[str, Any]]:
    """(reader, results) of each prediction."""
    for entry in predictions:
        if isinstance(entry, dict):
            yield annotators.models.of(entry.get("model_version")), entry.get("result")


def data_of(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The task's data, which JSON-MIN has in the entry itself."""
    data = entry.get("data")
    return data if isinstance(data, dict) else entry


def is_minimal(entry: Any) -> bool:
    """Whether it is an annotation of JSON-MIN, or a row of the CSV export."""
    return isinstance(entry, dict) and "annotation_id" in entry


def _minimal(entry: Mapping[str, Any]) -> list[Any]:
    """JSON-MIN's results of all controls, as JSON has them."""
    return [
        {"type": "labels", "value": value, "id": value.get("id"), **{key: value.get(key) for key in _SIZE if key in value}}
        for values in entry.values()
        if isinstance(values, list)
        for value in values
        if isinstance(value, dict)
    ]


_SIZE = ("original_width", "original_height", "image_rotation")


def image_name(entry: Mapping[str, Any], folder: ImageFolder, targets: Collection[str] = ()) -> str | None:
    """The image's path as the task gives it, which tells films of one name in several folders apart.

    Where there is no such image, tables get its name alone: folders in an export are nobody's business.

    The field with the image can have any name: that of the image which the points were set on counts first, then `image`,
    then one whose file is there, then one that looks like an image's.

    Args:
        entry: The task.
        folder: The images at hand.
        targets: What the labelling interface calls the image that the points were set on.
    """
    fields = {str(key): file_path(value) for key, value in data_of(entry).items() if _may_be_path(value)}
    names = {key: path for key, path in fields.items() if PurePosixPath(path).name}
    images = [name for name in names.values() if name.lower().endswith(_IMAGE_ENDINGS)]
    present = [name for name in images if folder.find(name)]
    upload = entry.get("file_upload")
    first = [names[key] for key in (*targets, "image", "img") if names.get(key)]
    candidates = [*first, *present, *images, *([upload] if isinstance(upload, str) else [])]
    return candidates[0] if candidates else None


def _may_be_path(value: Any) -> bool:
    """Whether it is text, and no `data:` address, which has the pixels themselves and no name."""
    return isinstance(value, str) and bool(value.strip()) and not value.lstrip().lower().startswith("data:")


_IMAGE_ENDINGS = (*IMAGE_SUFFIXES, ".tif", ".tiff", ".webp", ".jp2", ".dcm")


def _latest(annotations: list[Any], annotators: Annotators) -> Iterator[tuple[str, Any]]:
    """(reader, results) of each annotator's annotations, oldest first, so that the latest wins; cancelled ones are none."""
    usable = [
        entry
        for entry in annotations
        if isinstance(entry, dict) and not entry.get("was_cancelled") and entry.get("result") is not None
    ]
    for entry in sorted(usable, key=lambda entry: key_of(entry.get("updated_at")) or key_of(entry.get("created_at")) or ""):
        yield annotators.name(entry.get("completed_by")), entry["result"]
