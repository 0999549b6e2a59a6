"""A machine-learning backend for Label Studio: it pre-annotates tasks and stores the corrected tasks.

`kedro label-studio --images FOLDER` starts the backend. Enter its address in the settings of the Label Studio project, under
Model. The backend finds images in that folder by the names in the tasks. It does not fetch images from an address, and does not
open files outside the folder.

Source: https://labelstud.io/guide/ml_create (the protocol: /health, /setup, /predict, /webhook).
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from ceph_pipeline.artifacts import fingerprint, write_atomically
from ceph_pipeline.detector.files import files_in
from ceph_pipeline.errors import CephError
from ceph_pipeline.formats.film_names import ImageFolder, file_path, identifier_of
from ceph_pipeline.formats.writers.label_studio import prediction_of
from ceph_pipeline.formats.writers.labelling_interface import Control, control_of
from ceph_pipeline.formats.writers.point_set import WrittenPoint
from ceph_pipeline.images import read_image
from ceph_pipeline.images.kinds import IMAGE_SUFFIXES
from ceph_pipeline.uncertainty.points import sigma_px

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from fastapi import Response

    from ceph_pipeline.detector import LandmarkDetector

logger = logging.getLogger(__name__)

MAX_BODY_BYTES = 10_000_000
"""Tasks contain the names of images, not their pixels, so that Label Studio never sends a larger request."""

_MOVE_AWAY = "Move the file away, or name another file with --corrected. Then submit the rejected annotation again."


def version_of(model: str) -> str:
    """The model version that Label Studio shows: `ceph_` and eight digits of the checkpoints' fingerprint, or the model's URI."""
    folder = Path(model)
    return f"ceph_{fingerprint(list(files_in(folder).digests().values()))[:8]}" if folder.is_dir() else model


class LabellingError(CephError, ValueError):
    """A task cannot be pre-annotated, or corrections cannot be stored."""


@dataclass
class LabellingBackend:
    """Handles the requests of Label Studio.

    Attributes:
        detector: Locates the landmarks.
        images: Folder of the tasks' images; listed again when an image is missing.
        model_version: Model version in the predictions.
        corrected: Export file of the annotated tasks; ingestion reads this file (`raw_format=label_studio`).
    """

    detector: LandmarkDetector
    images: ImageFolder
    model_version: str
    corrected: Path
    _writing: Lock = field(default_factory=Lock, repr=False)

    def predict(self, task: Mapping[str, Any], control: Control) -> dict[str, Any]:
        """The pre-annotation of one task.

        Args:
            task: Contains the name of the image in `data`.
            control: From the labelling interface.

        Returns:
            `result`, `score` (the mean score of the points, if they have standard deviations) and `model_version`.

        Raises:
            LabellingError: the task has no image, or the folder contains no image or several images of that name.
            ImageReadError: the image is damaged.
        """
        path = self._image(task, control)
        image = read_image(path)
        found = self.detector.predict({path.stem: image})
        values = np.column_stack([found[["x", "y"]].to_numpy(float), sigma_px(found)]).tolist()
        points = {name: WrittenPoint(*numbers) for name, numbers in zip(found["landmark"].astype(str), values, strict=True)}
        return prediction_of((image.shape[1], image.shape[0]), self.model_version, points, control)

    def _image(self, task: Mapping[str, Any], control: Control) -> Path:
        data = task.get("data")
        name = data.get(control.image_field) if isinstance(data, dict) else None
        if not isinstance(name, str):
            raise LabellingError(f"task {task.get('id')}: no image under data.{control.image_field}.")
        paths = self._find(file_path(name))
        if len(paths) != 1:
            which = "no image" if not paths else f"{len(paths)} images"
            raise LabellingError(
                f"task {task.get('id')}: found {which} of its name in {self.images.root}. Name the folder of the images with "
                "--images."
            )
        return self.images.root / paths[0]

    def _find(self, name: str) -> list[str]:
        """Paths of an image relative to the folder; the folder is listed again if the image is missing."""
        paths = [path for path in self.images.find(name) if (self.images.root / path).is_file()]
        if paths:
            return paths
        self.images = ImageFolder(self.images.root)
        return self.images.find(name)

    def keep(self, annotated: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> None:
        """Store annotations; a later annotation with the same identifier replaces the earlier one.

        Args:
            annotated: A task and an annotation, for each annotation.

        Raises:
            LabellingError: a task or an annotation has no number, or the file contains a different film under a task's number.
                In these cases nothing is stored. Or as `check_corrected`.
        """
        numbers = [(_number(task, "task"), _number(annotation, "annotation")) for task, annotation in annotated]
        with self._writing:
            tasks = {entry["id"]: entry for entry in self._kept()}
            for (number, own), (task, annotation) in zip(numbers, annotated, strict=True):
                kept = tasks.setdefault(number, {"id": number, "data": task.get("data"), "annotations": []})
                if not _of_one_film(kept, task):
                    raise LabellingError(
                        f"{self.corrected} contains a different film under task {number}, so it belongs to another Label Studio "
                        f"database. {_MOVE_AWAY}"
                    )
                others = [entry for entry in kept["annotations"] if entry.get("id") != own]
                kept["annotations"] = [*others, dict(annotation)]
            self._write(list(tasks.values()))

    def forget(self, annotation_ids: set[int]) -> None:
        """Remove deleted annotations, and tasks without any annotation left."""
        with self._writing:
            tasks = self._kept()
            for task in tasks:
                task["annotations"] = [entry for entry in task["annotations"] if entry.get("id") not in annotation_ids]
            self._write([task for task in tasks if task["annotations"]])

    def check_corrected(self) -> None:
        """Check whether corrected tasks can be added to the file, if it exists.

        Raises:
            LabellingError: the file is damaged, or is not an export of tasks with numbers and annotations.
        """
        self._kept()

    def _kept(self) -> list[dict[str, Any]]:
        if not self.corrected.exists():
            return []
        try:
            tasks = json.loads(self.corrected.read_text(encoding="utf-8"))
        except ValueError as error:
            raise LabellingError(f"{self.corrected}: damaged ({error}). {_MOVE_AWAY}") from None
        if not isinstance(tasks, list) or not all(map(_is_kept_task, tasks)):
            raise LabellingError(f"{self.corrected}: expected a list of tasks with `id` and `annotations`. {_MOVE_AWAY}")
        return tasks

    def _write(self, tasks: list[dict[str, Any]]) -> None:
        try:
            text = json.dumps(tasks, ensure_ascii=False, indent=1, allow_nan=False)
            text.encode()
        except ValueError as error:  # NaN, or half of a surrogate pair
            raise LabellingError(f"an annotation cannot be stored as JSON ({error}): nothing has been stored.") from None
        write_atomically(self.corrected, text)


def application(backend: LabellingBackend) -> FastAPI:
    """The backend as a web application; `/docs` describes it."""
    app = FastAPI(title="ceph-pipeline: machine-learning backend for Label Studio")
    app.middleware("http")(_refuse_large)

    @app.exception_handler(CephError)
    def refuse(_: Request, error: CephError) -> JSONResponse:
        return JSONResponse({"error": str(error)}, status_code=400)

    @app.exception_handler(RequestValidationError)
    def refuse_shape(_: Request, __: RequestValidationError) -> JSONResponse:  # FastAPI's default response repeats the request
        return JSONResponse({"error": "expected a JSON object."}, status_code=400)

    @app.get("/")
    @app.get("/health")
    def health() -> dict[str, str]:
        return {"status": "UP", "model_class": type(backend.detector).__name__, "model_version": backend.model_version}

    @app.post("/setup")
    def setup(body: dict[str, Any]) -> dict[str, str]:
        control = control_of(body.get("schema"))
        landmarks = backend.detector.landmarks
        if lacking := [name for name in landmarks if control.label(name) is None]:
            logger.warning(
                "the labelling interface has no label for these landmarks, which are not pre-annotated: %s", ", ".join(lacking)
            )
        if unknown := sorted(set((control.labels or {}).values()) - {control.label(name) for name in landmarks}):
            logger.warning("these labels of the interface are no landmarks of the detector: %s", ", ".join(unknown))
        return {"model_version": backend.model_version}

    @app.post("/predict")
    def predict(body: dict[str, Any]) -> dict[str, Any]:
        control = control_of(body.get("label_config"))
        return {"results": [_prediction(backend, task, control) for task in _objects(body, "tasks")]}

    @app.post("/webhook", status_code=201)
    def webhook(body: dict[str, Any]) -> dict[str, str]:
        _heed(backend, body)
        return {"status": "ok"}

    return app


def _heed(backend: LabellingBackend, event: Mapping[str, Any]) -> None:
    """Store or remove the annotations of an event; other kinds of event are ignored."""
    match event.get("action"):
        case "ANNOTATION_CREATED" | "ANNOTATION_UPDATED":
            backend.keep([(_object(event, "task"), _object(event, "annotation"))])
        case "ANNOTATIONS_CREATED":  # from predictions, several at once
            backend.keep(_pairs(_objects(event, "task"), _objects(event, "annotation")))
        case "ANNOTATIONS_DELETED":
            backend.forget({_number(entry, "annotation") for entry in _objects(event, "annotations")})


async def _refuse_large(request: Request, answer: Callable[[Request], Awaitable[Response]]) -> Response:
    length = request.headers.get("content-length", "0" if request.method == "GET" else "")
    if not length.isdigit():
        return JSONResponse({"error": "the request needs the header Content-Length."}, status_code=411)
    if int(length) > MAX_BODY_BYTES:
        reason = f"the request has {int(length):,} bytes; the limit is {MAX_BODY_BYTES:,}."
        return JSONResponse({"error": reason}, status_code=413)
    return await answer(request)


def _of_one_film(kept: Mapping[str, Any], task: Mapping[str, Any]) -> bool:
    """Whether two tasks name the same image, or one names no image; folder and upload prefix of a film may differ."""
    one, other = (_image_names(entry.get("data")) for entry in (kept, task))
    return not one or not other or bool(one & other)


def _image_names(data: Any) -> set[str]:
    """The image names in a task's data, without folders; other fields are ignored, because many tasks share their values."""
    paths = [file_path(value) for value in data.values() if isinstance(value, str)] if isinstance(data, dict) else []
    return {identifier_of(path) for path in paths if PurePosixPath(path).suffix.lower() in IMAGE_SUFFIXES}


def _is_kept_task(entry: Any) -> bool:
    """Whether an entry has a number and a list of annotations."""
    annotations = entry.get("annotations") if isinstance(entry, dict) else None
    return (
        isinstance(annotations, list) and isinstance(entry.get("id"), int) and all(isinstance(each, dict) for each in annotations)
    )


def _pairs(tasks: list[dict[str, Any]], annotations: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    if len(tasks) != len(annotations):
        raise LabellingError(
            f"expected one task for each annotation, found {len(tasks)} tasks for {len(annotations)} annotations."
        )
    return list(zip(tasks, annotations, strict=True))


def _number(entry: Mapping[str, Any], what: str) -> int:
    """Label Studio's identifier of a task or an annotation."""
    number = entry.get("id")
    if not isinstance(number, int):
        raise LabellingError(f"{what}: expected a number under 'id', found {type(number).__name__}.")
    return number


def _object(body: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = body.get(key)
    if not isinstance(found, dict):
        raise LabellingError(f"expected an object under {key!r}, found {type(found).__name__}.")
    return found


def _objects(body: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = body.get(key)
    if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
        raise LabellingError(f"expected a list of objects under {key!r}.")
    return found


def _prediction(backend: LabellingBackend, task: Mapping[str, Any], control: Control) -> dict[str, Any]:
    """One task's prediction; a task that cannot be pre-annotated gets an empty result with the error."""
    try:
        return backend.predict(task, control)
    except CephError as error:
        logger.warning("task %r is not pre-annotated: %s", task.get("id"), type(error).__name__)
        return {"result": [], "model_version": backend.model_version, "error": str(error)}
