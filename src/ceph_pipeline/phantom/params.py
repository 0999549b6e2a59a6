"""Parameters of the `phantom` pipeline."""

from typing import Any

from pydantic import Field

from ceph_pipeline.artifacts import WorkerParams


class PhantomParams(WorkerParams):
    """How many cephalograms to draw, how large and how noisy."""

    n_images: int = Field(1000, ge=4, le=100_000, description="split 70/15/15 into train, valid and test")
    long_side_px: int | None = Field(None, ge=256, le=6000, description="None: each device's own size, 952 to 2,719 px")
    seed: int = Field(42, ge=0)
    grain: float = Field(1.0, ge=0, le=5, description="quantum noise, relative to the device's own; 0: none")
    reader_noise: float = Field(1.0, ge=0, le=5, description="readers' scatter, relative to the landmarks' own; 0: exact readers")
    force: bool = Field(False, description="draw again although nothing has changed")

    def recipe(self) -> dict[str, Any]:
        """What the files depend on: everything but who draws them."""
        return self.model_dump(exclude={*WorkerParams.model_fields, "force"})
