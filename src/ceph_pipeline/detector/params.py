"""Parameters of the detector, the same for evaluation and inference.

Free of torch, as every module of parameters: Kedro resolves these types when it registers the pipelines.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.crops.params import RefinementParams
from ceph_pipeline.views import Fusion, Views, views_name, views_of

Device = Literal["auto", "cpu", "cuda", "mps"]


class DetectorParams(Params):
    """How trained networks look at an image, and what is made of their answers. Nothing of it is trained.

    >>> DetectorParams(views_stage1="five").views_stage1
    'five'
    """

    views_stage1: Views = Field(
        "single", description="views of the whole image: a set's name, or a grid of flips, scales, rotations"
    )
    views_stage2: Views = Field("single", description="views of the crops; `single` refines the fused points once")
    fusion: Fusion = Field("mean", description="how the whole image's views become one point")
    refinement: RefinementParams = Field(RefinementParams(), description="what is made of the crops' answers")
    batch_size: int = Field(8, ge=1, description="whole images a forward pass")
    crop_batch_size: int = Field(128, ge=1, description="crops a forward pass")
    device: Device = Field("auto", description="where networks compute; auto takes a GPU where there is one")
    runtime: Literal["torch", "onnxruntime"] = Field(
        "torch",
        description="what computes; onnxruntime (extra `onnx`) on the CPU, from ONNX files that it makes beside the checkpoints",
    )

    @model_validator(mode="after")
    def _runtime_has_the_device(self) -> Self:
        if self.runtime == "onnxruntime" and self.device not in {"auto", "cpu"}:
            raise ValueError(
                f"onnxruntime computes on the CPU: set device to cpu in place of {self.device}, or runtime to torch."
            )
        return self

    def whole_image_settings(self) -> dict[str, Any]:
        """The parameters that stage 1's fused points depend on, as JSON values by dotted name."""
        fusion = {"fusion": self.fusion} if len(views_of(self.views_stage1)) > 1 else {}
        return {"views_stage1": views_name(self.views_stage1), **fusion}

    def crop_settings(self) -> dict[str, Any]:
        """The parameters that stage 2's points depend on beside those of stage 1, as JSON values by dotted name."""
        refinement = self.refinement.model_dump(mode="json")
        return {"views_stage2": views_name(self.views_stage2)} | {
            f"refinement.{name}": value for name, value in refinement.items()
        }

    def point_settings(self, *, refined: bool) -> dict[str, Any]:
        """The parameters that the points depend on, with those of stage 2 where it refines them."""
        return self.whole_image_settings() | (self.crop_settings() if refined else {})

    def in_one_view(self) -> Self:
        """The same with one view a stage, where many networks or images are compared."""
        return self.model_copy(update={"views_stage1": "single", "views_stage2": "single"})
