"""Parameters of the `export` pipeline."""

from typing import Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params
from ceph_pipeline.formats.writers.point_set import LOCAL_FILES

WrittenFormat = Literal["aariz", "coco", "json", "label_studio", "labelme", "table", "yolo_pose"]
"""Keys of `WRITERS`."""


class ExportParams(Params):
    """The `export` pipeline: points of the project's tables as files of an annotation format."""

    format: WrittenFormat = Field(
        "coco", description="format of the export; table is a tidy CSV; json is meant for programs and has no parser"
    )
    table: Literal["landmarks", "predictions"] = Field(
        "landmarks",
        description="landmarks: the readers' points of the data set; predictions: the points that the evaluation has predicted",
    )
    readers: tuple[str, ...] = Field(
        (),
        description="readers whose points are exported, or stages whose predictions are exported; empty: the consensus, "
        "or the last stage",
    )
    splits: tuple[Literal["train", "valid", "test"], ...] = Field(
        ("train", "valid", "test"), min_length=1, description="splits that are exported"
    )
    copy_films: bool = Field(
        False,
        description="copy the images, named by their identifiers, next to the annotations; yolo_pose and aariz require this",
    )
    image_address: str = Field(
        LOCAL_FILES,
        pattern=r"\{path\}",
        description="address of an image for Label Studio, with {path} in place of its quoted path",
    )
    overwrite: bool = Field(
        False, description="replace an earlier export of the same format, including corrections made in its files"
    )
