"""Parameters of the benchmark.

Does not import torch, because Kedro resolves these types when it registers the pipelines.
"""

from typing import Literal, Self

from pydantic import Field, PositiveInt

from ceph_pipeline.artifacts import Params

Configuration = Literal["float32", "amp", "amp_channels_last", "amp_channels_last_compile"]
"""`float32`: TF32 off; `amp`: autocast to bfloat16, or to float16 on GPUs without bfloat16. The others extend `amp`."""

BATCH_SIZES = Field((6,), min_length=1, description="images per step, or for stage 2 crops per step")
GPU_ONLY = Field(False, description="skip this case, with a note, if there is no GPU, because it takes hours on a CPU")


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
        """The same network and input, with the default `batch_sizes` and `gpu_only`."""
        return type(self)(**self.model_dump(exclude={"batch_sizes", "gpu_only"}))


class FullStepCase(Params):
    """A training of stage 1 on synthetic images; all other settings come from the parameters of `stage1`."""

    backbone: str = "hrnet_w18_small"
    width_px: int = Field(512, ge=64, multiple_of=32)
    height_px: int = Field(512, ge=64, multiple_of=32)
    batch_size: int = Field(6, ge=1)
    workers: int = Field(1, ge=0, description="data-loading processes")
    cache_long_side_px: int = Field(512, ge=64, description="long side of the synthetic images in the training cache")
    gpu_only: bool = GPU_ONLY


class DetectorCase(Params):
    """Both networks of a detector with random weights, from films in memory to refined points, in a single view."""

    stage1_backbone: str = "hrnet_w48"
    width_px: int = Field(512, ge=32, multiple_of=32, description="width of stage 1's input")
    height_px: int = Field(512, ge=32, multiple_of=32)
    stage2_backbone: str = "hrnet_w32"
    crop_px: int = Field(256, ge=32, multiple_of=32)
    stage2_stride: Literal[2, 4] = 4
    activation: Literal["linear", "softmax", "integral"] = Field(
        "linear", description="output activation of both networks; networks trained with cross-entropy use softmax"
    )
    images: int = Field(8, ge=1, description="number of films of 1935 × 2400 px in each repetition")
    batch_size: int = Field(8, ge=1, description="films per forward pass")
    crop_batch_size: int = Field(128, ge=1, description="greatest number of crops per forward pass")
    gpu_only: bool = GPU_ONLY


class BenchmarkParams(Params):
    """The `benchmark` pipeline: speed and memory of training and inference."""

    mode: Literal["inference", "training", "both"] = Field(
        "both", description="what is timed: predictions, training steps or both"
    )
    num_iterations: int = Field(20, ge=3, le=10_000, description="number of timed repetitions; the median is reported")
    num_warmup: int = Field(3, ge=1, description="number of repetitions before timing starts")
    max_seconds: float = Field(60.0, gt=0, description="time limit of a step; after it, 3 repetitions are enough")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(
        "auto", description="device on which the networks are timed; auto: a GPU if there is one"
    )
    configurations: tuple[Configuration, ...] = Field(
        ("float32", "amp", "amp_channels_last", "amp_channels_last_compile"),
        min_length=1,
        description="number formats and optimisations to time",
    )
    n_landmarks: int = Field(29, ge=1, description="number of landmarks of the networks")
    images_per_epoch: int = Field(
        4550,
        ge=1,
        description="number of training images for the projected times; `stage1.images_per_epoch` takes precedence if it is set",
    )
    cases: tuple[NetCase, ...] = Field((NetCase(),), min_length=1, description="networks and input sizes to time")
    full_steps: tuple[FullStepCase, ...] = Field(
        (FullStepCase(),), description="trainings of stage 1 to time, including data loading"
    )
    detectors: tuple[DetectorCase, ...] = Field(
        (DetectorCase(),), description="pairs of networks to time from film to refined points"
    )

    def backbones(self) -> set[str]:
        """The backbones of all networks that are timed."""
        pairs = {name for case in self.detectors for name in (case.stage1_backbone, case.stage2_backbone)}
        return pairs | {case.backbone for case in self.cases + self.full_steps}

    def without_gpu(self) -> "BenchmarkParams":
        """The parameters for a machine without a GPU."""
        return self.model_copy(
            update={
                "cases": tuple(case for case in self.cases if not case.gpu_only),
                "full_steps": tuple(case for case in self.full_steps if not case.gpu_only),
                "detectors": tuple(case for case in self.detectors if not case.gpu_only),
            }
        )
