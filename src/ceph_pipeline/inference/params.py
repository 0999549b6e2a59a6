"""Parameters of the `inference` and `superimposition` pipelines.

Does not import torch, because Kedro resolves these types when it registers the pipelines.
"""

from pathlib import Path
from typing import Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params
from ceph_pipeline.artifacts.user_path import user_path
from ceph_pipeline.cephalometry import Registration
from ceph_pipeline.formats.entries import PixelSizeMm
from ceph_pipeline.ingestion.params import FilmSheetParams


class InferenceParams(Params):
    """The `inference` pipeline: landmarks, measurements, overlays and reports of new X-rays."""

    pixel_size_mm: PixelSizeMm | None = Field(
        None, description="pixel size of all images of the folder; null: each film has the size that `pixel_size_order` finds"
    )
    films: FilmSheetParams = Field(FilmSheetParams(), description="a sheet of the films' pixel sizes")
    pixel_size_order: tuple[Literal["sheet", "dicom", "file"], ...] = Field(
        ("sheet", "dicom"),
        description="order of precedence of pixel-size sources; the first source with a value is used. file: the "
        "resolution in png, jpg, bmp, tif and mha files, which is often that of a printer",
    )
    ruler_models: str | int | None = Field(
        None,
        description="folder of networks that locate the ruler marks, such as data/ruler/06_models; null: none",
    )
    overlays: bool = Field(True, description="draw each image with its landmarks")
    formats: tuple[Literal["coco", "json", "label_studio", "labelme", "table"], ...] = Field(
        ("table", "json", "coco", "label_studio"),
        description="formats in which the landmarks are written, in addition to the tables",
    )
    reports: bool = Field(True, description="write a printable page for each image, and an overview page")

    @property
    def ruler_folder(self) -> Path | None:
        """The folder `ruler_models`.

        Raises:
            InvalidValueError: the path cannot be used, see `user_path`.
        """
        return None if self.ruler_models is None else user_path(self.ruler_models)


class SuperimpositionParams(Params):
    """The `superimposition` pipeline: two films of one patient, both with landmarks from `inference`."""

    first: str | None = Field(None, description="identifier (`image_id`) of the earlier film")
    second: str | None = Field(None, description="identifier (`image_id`) of the later film")
    pixel_sizes_mm: tuple[PixelSizeMm, PixelSizeMm] | None = Field(
        None, description="pixel sizes of the first and the second film; null: those that `inference` has found"
    )
    registration: Registration = Field(
        "sella_nasion", description="sella_nasion: S on S, with S–N parallel; cranial_base: least squares over S, N, Po and Ar"
    )
