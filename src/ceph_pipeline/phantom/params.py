"""Parameters of the `phantom` pipeline, which draws synthetic cephalograms."""

from typing import Any, Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params, WorkerParams
from ceph_pipeline.phantom.devices import DEVICES


class VariationParams(Params):
    """Variation between phantoms of the same face and device, and effects that make landmarks hard to see."""

    asymmetry: float = Field(
        1.0,
        ge=0,
        le=2,
        description="distance between left and right contours in the picture, relative to that of patients; 0: superimposed",
    )
    ear_rod_clutter: float = Field(
        1.0,
        ge=0,
        le=2,
        description="brightness of the ear rods of the cephalostat over Porion, relative to usual films; 0: no ear rods",
    )
    burnt_out_share: float = Field(0.15, ge=0, le=1, description="share of films whose soft-tissue profile is over-exposed")
    n_devices: int = Field(len(DEVICES), ge=1, le=len(DEVICES), description="number of cephalostat models, most frequent first")
    ruler_absent_share: float = Field(
        0.1, ge=0, le=1, description="share of films without a ruler and therefore without p1 and p2"
    )
    ruler_cropped_share: float = Field(
        0.0, ge=0, le=1, description="share of rulers that the edge of the picture cuts lengthwise"
    )
    ruler_faint_share: float = Field(0.0, ge=0, le=1, description="share of rulers with 25 to 50 % of the usual attenuation")
    ruler_tilt_deg: float = Field(3.0, ge=0, le=15, description="greatest rotation of a ruler in either direction")


USUAL_VARIATION = VariationParams()


class PhantomParams(WorkerParams):
    """The `phantom` pipeline: number, size, noise and variation of the phantoms (synthetic cephalograms)."""

    n_images: int = Field(1000, ge=4, le=100_000, description="number of phantoms, split 70/15/15 into train, valid and test")
    long_side_px: int | None = Field(
        None, ge=256, le=6000, description="long side of the images; null: the size of each device, 952 to 2,719 px"
    )
    seed: int = Field(42, ge=0, description="seed of all random draws")
    grain: float = Field(1.0, ge=0, le=5, description="quantum noise relative to that of the device; 0: none")
    reader_noise: float = Field(
        1.0, ge=0, le=5, description="scatter of the readers relative to the usual scatter of each landmark; 0: exact readers"
    )
    variation: VariationParams = USUAL_VARIATION
    raw_format: Literal["aariz", "label_studio"] = Field(
        "aariz",
        description="format in which the data set is read; aariz: the landmarks of the face; label_studio: the ruler "
        "marks, from the export in the data set's folder",
    )
    force: bool = Field(False, description="draw again even if nothing has changed")

    def recipe(self) -> dict[str, Any]:
        """The parameters that the files depend on, which excludes the workers."""
        return self.model_dump(exclude={*WorkerParams.model_fields, "raw_format", "force"})
