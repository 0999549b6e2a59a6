"""Parameters of the `export` pipeline."""

from typing import Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params
from ceph_pipeline.formats.writers.point_set import LOCAL_FILES

WrittenFormat = Literal["aariz", "coco", "json", "label_studio", "labelme", "table", "yolo_pose"]
"""Keys of `WRITERS`."""


class ExportParams(Params):
    """Points of the project's tables as files of another format."""

    format: WrittenFormat = Field("coco", description="table is a tidy CSV; json is for programs and is not read back")
    table: Literal["landmarks", "predictions"] = Field(
        "landmarks", description="the readers' points of the data set, or those that the evaluation predicted"
    )
    readers: tuple[str, ...] = Field(
        (), description="whose points, or which stages' predictions; none: the consensus, or the last stage there is"
    )
    splits: tuple[Literal["train", "valid", "test"], ...] = Field(("train", "valid", "test"), min_length=1)
    copy_films: bool = Field(
        False, description="copy the images beside the annotations, under their identifiers; yolo_pose and aariz need them"
    )
    image_address: str = Field(
        LOCAL_FILES, pattern=r"\{path\}", description="what Label Studio calls an image, {path} for its quoted path"
    )
    overwrite: bool = Field(False, description="replace an earlier export of the same format, corrections in it included")
