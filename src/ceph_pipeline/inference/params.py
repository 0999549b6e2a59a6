"""Settings of the inference pipeline. Free of torch: Kedro resolves these types when it registers the pipelines."""

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
        None, description="of all images of the folder; null: what `pixel_size_order` finds of each"
    )
    films: FilmSheetParams = Field(FilmSheetParams(), description="a sheet of the films' pixel sizes")
    pixel_size_order: tuple[Literal["sheet", "dicom", "file"], ...] = Field(
        ("sheet", "dicom"),
        description="the first that has a film's size counts; file: the resolution of png, jpg, bmp, tif and mha, often a "
        "printer's",
    )
    ruler_models: str | int | None = Field(
        None,
        description="folder of networks that locate the ruler's marks, such as data/ruler/06_models; null: none",
    )
    overlays: bool = Field(True, description="draw each image with its landmarks")
    formats: tuple[Literal["coco", "json", "label_studio", "labelme", "table"], ...] = Field(
        ("table", "json", "coco", "label_studio"), description="as which files the landmarks are left beside the tables"
    )
    reports: bool = Field(True, description="write a printable page of each image, and one of them all")

    @property
    def ruler_folder(self) -> Path | None:
        """Of `ruler_models`.

        Raises:
            InvalidValueError: as `user_path`.
        """
        return None if self.ruler_models is None else user_path(self.ruler_models)


class SuperimpositionParams(Params):
    """The `superimposition` pipeline: two films of one person, out of those that `inference` has located."""

    first: str | None = Field(None, description="identifier (`image_id`) of the earlier film")
    second: str | None = Field(None, description="identifier of the later film")
    pixel_sizes_mm: tuple[PixelSizeMm, PixelSizeMm] | None = Field(
        None, description="of the first and the second film; null: as `inference` has found them"
    )
    registration: Registration = Field(
        "sella_nasion", description="S on S with S–N parallel; cranial_base: least squares over S, N, Po and Ar"
    )
