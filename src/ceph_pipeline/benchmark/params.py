"""Settings of the benchmark. Free of torch: Kedro resolves these types when it registers the pipelines."""

from typing import Literal, Self

from pydantic import Field, PositiveInt

from ceph_pipeline.artifacts import Params

Configuration = Literal["float32", "amp", "amp_channels_last", "amp_channels_last_compile"]
"""`float32`: TF32 off; `amp`: autocast to bfloat16, or float16 on GPUs without it; the others add to that what they name."""

BATCH_SIZES = Field((6,), min_length=1, description="images, or for stage 2 crops, a step")
GPU_ONLY = Field(False, description="left out, and said so, where there is no GPU: hours on a CPU")


class NetCase(Params):
    """One network at one input size."""

    stage: Literal["stage1", "stage2"] = "stage1"
    backbone: str = "hrnet_w48"
    width_px: int = Field(512, ge=32, multiple_of=32)
    height_px: int = Field(512, ge=32, multiple_of=32)
    stride: Literal[2, 4] = 4
    batch_sizes: tuple[PositiveInt, ...] = BATCH_SIZES
    gpu_only: bool = GPU_ONLY

    def network(self) -> Self:
        """The same network and input, with the defaults of where and at which batch sizes it is timed."""
        return type(self)(**self.model_dump(exclude={"batch_sizes", "gpu_only"}))


class FullStepCase(Params):
    """A real training of stage 1 on drawn images; what is not said here comes from the parameters of `stage1`."""

    backbone: str = "hrnet_w18_small"
    width_px: int = Field(512, ge=64, multiple_of=32)
    height_px: int = Field(512, ge=64, multiple_of=32)
    batch_size: int = Field(6, ge=1)
    workers: int = Field(1, ge=0, description="data-loading processes")
    cache_long_side_px: int = Field(512, ge=64, description="of the drawn images in the training cache")
    gpu_only: bool = GPU_ONLY


class DetectorCase(Params):
    """Both networks of a detector, of random weights, from films in memory to refined points, one view."""

    stage1_backbone: str = "hrnet_w48"
    width_px: int = Field(512, ge=32, multiple_of=32, description="of stage 1's input")
    height_px: int = Field(512, ge=32, multiple_of=32)
    stage2_backbone: str = "hrnet_w32"
    crop_px: int = Field(256, ge=32, multiple_of=32)
    stage2_stride: Literal[2, 4] = 4
    activation: Literal["linear", "softmax", "integral"] = Field("linear", description="of both; cross-entropy teaches softmax")
    images: int = Field(8, ge=1, description="films of 1935 × 2400 px that one repetition works through")
    batch_size: int = Field(8, ge=1, description="films a forward pass")
    crop_batch_size: int = Field(128, ge=1, description="crops a forward pass, at most")
    gpu_only: bool = GPU_ONLY


class BenchmarkParams(Params):
    """The `benchmark` pipeline: speed and memory of training and inference."""

    mode: Literal["inference", "training", "both"] = "both"
    num_iterations: int = Field(20, ge=3, le=10_000, description="timed repetitions, of which the median counts")
    num_warmup: int = Field(3, ge=1, description="repetitions beforehand, not timed")
    max_seconds: float = Field(60.0, gt=0, description="after this, 3 repetitions of a step are enough")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    configurations: tuple[Configuration, ...] = Field(
        ("float32", "amp", "amp_channels_last", "amp_channels_last_compile"), min_length=1
    )
    n_landmarks: int = Field(29, ge=1)
    images_per_epoch: int = Field(
        4550,
        ge=1,
        description="training images, for the projected times; `stage1.images_per_epoch`, where it is set, comes first",
    )
    cases: tuple[NetCase, ...] = Field((NetCase(),), min_length=1)
    full_steps: tuple[FullStepCase, ...] = (FullStepCase(),)
    detectors: tuple[DetectorCase, ...] = (DetectorCase(),)

    def backbones(self) -> set[str]:
        """Every network that is timed."""
        pairs = {name for case in self.detectors for name in (case.stage1_backbone, case.stage2_backbone)}
        return pairs | {case.backbone for case in self.cases + self.full_steps}

    def without_gpu(self) -> "BenchmarkParams":
        """The benchmark of a machine that has no GPU."""
        return self.model_copy(
            update={
                "cases": tuple(case for case in self.cases if not case.gpu_only),
                "full_steps": tuple(case for case in self.full_steps if not case.gpu_only),
                "detectors": tuple(case for case in self.detectors if not case.gpu_only),
            }
        )
