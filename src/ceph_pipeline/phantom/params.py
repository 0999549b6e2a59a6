"""Parameters of the `phantom` pipeline."""

from typing import Any, Literal

from pydantic import Field

from ceph_pipeline.artifacts import Params, WorkerParams
from ceph_pipeline.phantom.devices import DEVICES


class VariationParams(Params):
    """What makes phantoms of the same face and device differ, and what makes landmarks hard to see."""

    asymmetry: float = Field(
        1.0, ge=0, le=2, description="how far left and right sides are apart in the picture, relative to people; 0: superimposed"
    )
    ear_rod_clutter: float = Field(
        1.0, ge=0, le=2, description="how bright the cephalostat's ear rods lie over Porion, relative to usual ones; 0: none"
    )
    burnt_out_share: float = Field(0.15, ge=0, le=1, description="share of films whose soft-tissue profile is over-exposed")
    n_devices: int = Field(len(DEVICES), ge=1, le=len(DEVICES), description="makes of cephalostat, the most frequent ones")
    ruler_absent_share: float = Field(0.1, ge=0, le=1, description="share of films without a ruler, and so without p1 and p2")
    ruler_cropped_share: float = Field(0.0, ge=0, le=1, description="share of rulers that the picture's edge cuts lengthwise")
    ruler_faint_share: float = Field(0.0, ge=0, le=1, description="share of rulers of 25 to 50 % of the usual attenuation")
    ruler_tilt_deg: float = Field(3.0, ge=0, le=15, description="rulers are rotated by up to this much either way")


USUAL_VARIATION = VariationParams()


class PhantomParams(WorkerParams):
    """How many cephalograms to draw, how large, how noisy and how varied."""

    n_images: int = Field(1000, ge=4, le=100_000, description="split 70/15/15 into train, valid and test")
    long_side_px: int | None = Field(None, ge=256, le=6000, description="None: each device's own size, 952 to 2,719 px")
    seed: int = Field(42, ge=0)
    grain: float = Field(1.0, ge=0, le=5, description="quantum noise, relative to the device's own; 0: none")
    reader_noise: float = Field(1.0, ge=0, le=5, description="readers' scatter, relative to the landmarks' own; 0: exact readers")
    variation: VariationParams = USUAL_VARIATION
    raw_format: Literal["aariz", "label_studio"] = Field(
        "aariz",
        description="what the data set is read as: faces' landmarks, or the ruler's marks by the export in its folder",
    )
    force: bool = Field(False, description="draw again although nothing has changed")

    def recipe(self) -> dict[str, Any]:
        """What the files depend on: everything but who draws them."""
        return self.model_dump(exclude={*WorkerParams.model_fields, "raw_format", "force"})
