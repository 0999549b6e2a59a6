"""Settings of the benchmark. Free of torch: Kedro resolves these types when it registers the pipelines."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Configuration = Literal["float32", "amp", "amp_channels_last", "amp_channels_last_compile"]
"""`float32`: TF32 off; `amp`: autocast to bfloat16, or float16 on GPUs without it; the others add to that what they name."""

BATCH_SIZES = Field((6,), min_length=1, description="images, or for stage 2 crops, a step")
GPU_ONLY = Field(False, description="left out, and said so, where there is no GPU: hours on a CPU")


class _Params(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NetCase(_Params):
    """One network at one input size."""

    stage: Literal["stage1", "stage2"] = "stage1"
    backbone: str = "hrnet_w48"
    width_px: int = Field(512, ge=32, multiple_of=32)
    height_px: int = Field(512, ge=32, multiple_of=32)
    stride: Literal[2, 4] = 4
    batch_sizes: tuple[int, ...] = BATCH_SIZES
    gpu_only: bool = GPU_ONLY


class FullStepCase(_Params):
    """A real training of stage 1 on drawn images; what is not said here comes from the parameters of `stage1`."""

    backbone: str = "hrnet_w18_small"
    width_px: int = Field(512, ge=64, multiple_of=32)
    height_px: int = Field(512, ge=64, multiple_of=32)
    batch_size: int = Field(6, ge=1)
    workers: int = Field(1, ge=0, description="data-loading processes")
    cache_long_side_px: int = Field(512, ge=64, description="of the drawn images in the training cache")
    gpu_only: bool = GPU_ONLY


class BenchmarkParams(_Params):
    """The `benchmark` pipeline: throughput and memory of training and inference, and of the heatmap codec."""

    mode: Literal["inference", "training", "both"] = "both"
    num_iterations: int = Field(20, ge=3, le=10_000, description="timed repetitions, of which the median counts")
    num_warmup: int = Field(3, ge=1, description="repetitions beforehand, not timed")
    max_seconds: float = Field(60.0, gt=0, description="after this, 3 repetitions of a step are enough")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    configurations: tuple[Configuration, ...] = Field(
        ("float32", "amp", "amp_channels_last", "amp_channels_last_compile"), min_length=1
    )
    n_landmarks: int = Field(29, ge=1)
    images_per_epoch: int = Field(4550, ge=1, description="training images of stage 1, for the projected times")
    cases: tuple[NetCase, ...] = Field((NetCase(),), min_length=1)
    full_steps: tuple[FullStepCase, ...] = (FullStepCase(),)

    def without_gpu(self) -> "BenchmarkParams":
        """The benchmark of a machine that has no GPU."""
        return self.model_copy(
            update={
                "cases": tuple(case for case in self.cases if not case.gpu_only),
                "full_steps": tuple(case for case in self.full_steps if not case.gpu_only),
            }
        )
