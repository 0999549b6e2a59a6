"""Parameters of the detector, which evaluation and inference share.

Does not import torch, because Kedro resolves these types when it registers the pipelines.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.crops.params import RefinementParams
from ceph_pipeline.views import Fusion, Views, views_name, views_of

Device = Literal["auto", "cpu", "cuda", "mps"]


class DetectorParams(Params):
    """How trained networks predict landmarks. No training is needed after a change of these parameters.

    >>> DetectorParams(views_stage1="five").views_stage1
    'five'
    """

    views_stage1: Views = Field(
        "single", description="test-time views of the whole image: a named set, or a grid of flips, scales and rotations"
    )
    views_stage2: Views = Field(
        "single",
        description="test-time views of the crops; single: each fused point of stage 1 is refined in the untransformed view only",
    )
    fusion: Fusion = Field(
        "mean", description="how the points of stage 1's views are fused; confidence: mean weighted by the scores"
    )
    refinement: RefinementParams = Field(RefinementParams(), description="how crop predictions are fused")
    batch_size: int = Field(8, ge=1, description="whole images per forward pass")
    crop_batch_size: int = Field(128, ge=1, description="crops per forward pass")
    device: Device = Field("auto", description="device of the networks; auto: a GPU if there is one")
    runtime: Literal["torch", "onnxruntime"] = Field(
        "torch",
        description="torch, or onnxruntime (extra `onnx`) on the CPU, with ONNX files that are exported next to the checkpoints",
    )

    @model_validator(mode="after")
    def _runtime_has_the_device(self) -> Self:
        if self.runtime == "onnxruntime" and self.device not in {"auto", "cpu"}:
            raise ValueError(f"onnxruntime runs on the CPU: set device to cpu instead of {self.device}, or set runtime to torch.")
        return self

    def whole_image_settings(self) -> dict[str, Any]:
        """The parameters that stage 1's fused points depend on, as JSON values by dotted name."""
        fusion = {"fusion": self.fusion} if len(views_of(self.views_stage1)) > 1 else {}
        return {"views_stage1": views_name(self.views_stage1), **fusion}

    def crop_settings(self) -> dict[str, Any]:
        """The parameters that stage 2's points depend on in addition to those of stage 1, as JSON values by dotted name."""
        refinement = self.refinement.model_dump(mode="json")
        return {"views_stage2": views_name(self.views_stage2)} | {
            f"refinement.{name}": value for name, value in refinement.items()
        }

    def point_settings(self, *, refined: bool) -> dict[str, Any]:
        """The parameters that the points depend on; `refined` includes those of stage 2."""
        return self.whole_image_settings() | (self.crop_settings() if refined else {})

    def in_one_view(self) -> Self:
        """The same parameters with one view per stage, for comparisons of many networks or images."""
        return self.model_copy(update={"views_stage1": "single", "views_stage2": "single"})
