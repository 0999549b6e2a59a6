"""Settings of the benchmark. Free of torch: Kedro resolves these types when it registers the pipelines."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class NetCase(BaseModel):
    """One network at one input size and batch size."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    stage: Literal["stage1", "stage2"] = "stage1"
    backbone: str = "hrnet_w48"
    width_px: int = Field(512, ge=32, multiple_of=32)
    height_px: int = Field(512, ge=32, multiple_of=32)
    batch_size: int = Field(6, ge=1, description="whole images, or for stage 2 crops")
    stride: Literal[2, 4] = 4


class BenchmarkParams(BaseModel):
    """The `benchmark` pipeline: throughput of training and inference."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    mode: Literal["inference", "training", "both"] = "both"
    num_iterations: int = Field(20, ge=3, le=10_000, description="timed repetitions, of which the median counts")
    num_warmup: int = Field(3, ge=1, description="repetitions beforehand, not timed")
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field("auto", description="of training steps")
    n_landmarks: int = Field(29, ge=1)
    cases: tuple[NetCase, ...] = Field((NetCase(),), min_length=1)
