"""Parameters of both training stages. Free of torch: Kedro resolves these types when it registers the pipelines."""

from typing import Literal

from pydantic import Field, PositiveInt, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.augmentation.params import OnlineRecipe

_WIDEST_TARGET = 1 / 8
"""Of the input's shorter side. Landmarks of phantoms move by 1/20 of it (sd) between images; at 2.5 times that, the maps of the
mean shape fit every image, and nothing is learned."""


class NetParams(Params):
    """The network of stage 1."""

    backbone: str = Field(
        "hrnet_w48", description="hrnet_w18_small … hrnet_w48, resnet18, resnet34 or a timm features_only model"
    )
    input_width_px: int = Field(512, ge=64, multiple_of=32)
    input_height_px: int = Field(512, ge=64, multiple_of=32)
    resize: Literal["letterbox", "stretch"] = Field("letterbox", description="keep the aspect and pad, or fill the frame")
    input_gamma: float = Field(
        1.0, ge=0.2, le=5, description="power of the grey levels in the network's input: below 1 shows what is faint in the dark"
    )
    stride: Literal[2, 4, 8] = Field(4, description="input px per heatmap px: 512 px at 8 make maps of 64")
    dropout: float = Field(0.0, ge=0, lt=1)
    drop_path: float = Field(0.0, ge=0, lt=1, description="residual branches skipped at random; ResNets and ConvNeXts have it")
    in_channels: Literal[1, 3] = Field(1, description="3: the backbone sees the grey image three times over")
    pretrained: bool | str = Field(
        False,
        description="true: ImageNet weights, of a package or the hub where it can be reached; or a checkpoint's path, of our own "
        "heads too",
    )
    on_mismatch: Literal["error", "random", "fallback"] = Field(
        "error", description="where that checkpoint fits another backbone: refuse, start at random, or take a ResNet-18"
    )


class RefinementNetParams(Params):
    """The network of stage 2; its input is the crop, whose size `crops.crop_px` sets."""

    backbone: str = "hrnet_w32"
    conditioning: Literal["landmark", "groups", "none"] = Field(
        "landmark", description="what the network is told: the landmark, its anatomical group at the last layer only, or nothing"
    )
    stride: Literal[2, 4] = Field(4, description="crop px per heatmap px")
    dropout: float = Field(0.0, ge=0, lt=1)
    drop_path: float = Field(0.0, ge=0, lt=1, description="as in `stage1.net`")
    in_channels: Literal[1, 3] = 1
    pretrained: bool | str = False
    on_mismatch: Literal["error", "random", "fallback"] = "error"


class LossParams(Params):
    """The landmark loss."""

    kind: Literal["combined", "dark", "adaptive_wing", "cross_entropy", "wing", "smooth_l1", "mse"] = Field(
        "combined", description="the last three regress coordinates, the others heatmaps"
    )
    dark_weight: float = Field(0.5, ge=0, description="of `combined`: weight of the heatmap term")
    wing_weight: float = Field(0.5, ge=0, description="of `combined`: weight of the coordinate term after its ramp")
    sigma_px: float = Field(
        2.0,
        ge=0.7,
        le=10,
        description="standard deviation of the target Gaussian in heatmap px; below 0.7, 2 % noise costs more than 0.1 px",
    )
    wing_ramp_epochs: float = Field(5, ge=0, description="epochs over which the coordinate term grows to its full weight")
    absent_weight: float = Field(
        0.0,
        ge=0,
        description="weight of the maps of images without any annotated landmark, which shall be empty, so that the peak says "
        "whether a landmark is there; one that is missing beside others teaches nothing",
    )
    cvm_weight: float = Field(
        0.3, ge=0, description="weight of the CVM stage and vertical measurement heads; 0 leaves the heads out"
    )

    @property
    def settings(self) -> dict[str, float]:
        """What `create_loss` is told beside the kind and σ."""
        return {"dark_weight": self.dark_weight, "wing_weight": self.wing_weight} if self.kind == "combined" else {}

    @model_validator(mode="after")
    def _something_weighs(self) -> "LossParams":
        if self.kind == "combined" and self.dark_weight + self.wing_weight == 0:
            raise ValueError("dark_weight and wing_weight are both 0, expected at least one above 0")
        return self


class OptimParams(Params):
    """AdamW and its schedule."""

    epochs: int = Field(200, ge=1)
    batch_size: int = Field(6, ge=1, description="whole images, or for stage 2 crops: a multiple of `crops_per_image`")
    accumulate_batches: int = Field(1, ge=1, description="batches whose gradients make one step of the optimiser")
    learning_rate: float = Field(1e-4, gt=0, le=1)
    weight_decay: float = Field(0.01, ge=0)
    schedule: Literal["cosine", "one_cycle", "plateau"] = Field(
        "cosine", description="cosine and plateau begin with the warm-up; one_cycle rises over its first 30 %"
    )
    warmup_epochs: float = Field(10, ge=0)
    cosine_floor: float = Field(0.01, ge=0, le=1, description="share of the rate at which the cosine ends")
    plateau_patience: int = Field(5, ge=1, description="validations without a better one after which plateau lowers the rate")
    plateau_factor: float = Field(0.3, gt=0, lt=1, description="what plateau multiplies the rate by")
    unfreeze_after_epochs: int = Field(
        0, ge=0, description="epochs in which the backbone and its BatchNorm statistics are frozen"
    )
    backbone_rate_factor: float = Field(1.0, gt=0, le=10, description="the backbone's rate as a multiple of the heads'")
    clip_norm: float = Field(5.0, gt=0, description="gradients are scaled down to this norm")
    ema_decay: float | None = Field(None, gt=0, lt=1, description="exponential moving average of the weights; null: none")
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: bfloat16 where the device computes in it, float16 on older GPUs, float32 elsewhere"
    )
    compile: bool = Field(False, description="torch.compile the network; where the platform cannot, it trains uncompiled")


class LoopParams(Params):
    """How a training runs."""

    seed: int = Field(42, ge=0)
    workers: int = Field(2, ge=0, description="data-loading processes")
    balance_devices: float = Field(
        0.0, ge=0, le=1, description="0: each image is drawn as often as any other; 1: each device; between: in between"
    )
    validate_every_epochs: int = Field(1, ge=1)
    monitor: Literal["mre", "pck", "last"] = Field(
        "mre",
        description="which validation's weights are kept: of the least mean radial error, of the most points within 2 % of the "
        "long side, or the last, where few films cannot tell epochs apart",
    )
    patience: int | None = Field(None, ge=1, description="stop after this many validations without a better one; null: never")
    snapshots: int = Field(0, ge=0, le=50, description="networks of the last validations to keep, for an ensemble of them")
    find: Literal["learning_rate"] | None = Field(
        None, description="learning_rate: search for it before the first epoch and train with what was found; null: as configured"
    )
    devices: int = Field(1, ge=1, description="GPUs of each machine, or CPU processes; `optim.batch_size` is what each one sees")
    nodes: int = Field(1, ge=1, description="machines that train together")
    sync_batchnorm: bool = Field(False, description="GPUs only: BatchNorm over the batches of all devices")
    force: bool = Field(False, description="start over, whatever was trained before")

    @model_validator(mode="after")
    def _patience_waits_for_something(self) -> "LoopParams":
        if self.monitor == "last" and self.patience is not None:
            raise ValueError("patience waits for a better validation, and monitor: last asks for none: set patience to null")
        return self

    @model_validator(mode="after")
    def _one_device_searches(self) -> "LoopParams":
        if self.find is not None and self.devices * self.nodes > 1:
            raise ValueError("find searches on one device: set devices and nodes to 1, then train with what it found")
        return self


class HealthParams(Params):
    """What a training does about its own health; the report is always written."""

    stop_hopeless: bool = Field(
        False,
        description="stop once a finding of severity error has stood for three validations, or at once for values not finite",
    )


class Stage1Params(Params):
    """`stage1`: the network on the whole image."""

    net: NetParams = NetParams()
    loss: LossParams = LossParams()
    optim: OptimParams = OptimParams()
    augmentation: OnlineRecipe = Field(default_factory=dict, description="kinds that change samples on the fly, by name")
    loop: LoopParams = LoopParams()
    health: HealthParams = HealthParams()
    reader: str = Field("consensus", description="whose points are learned")
    images_per_epoch: int | None = Field(
        None, ge=1, description="images and copies drawn for an epoch, where they are fewer several times each; null: each once"
    )

    @model_validator(mode="after")
    def _targets_tell_images_apart(self) -> "Stage1Params":
        sigma, side = self.loss.sigma_px * self.net.stride, min(self.net.input_width_px, self.net.input_height_px)
        if sigma > _WIDEST_TARGET * side:
            raise ValueError(
                f"loss.sigma_px is {self.loss.sigma_px:g}, {sigma:g} px of an input of {side} px: so wide that one map fits "
                f"every image. Expected at most {_WIDEST_TARGET * side / self.net.stride:.2g}"
            )
        return self


class Stage2Params(Params):
    """`stage2`: the network on crops around each landmark."""

    net: RefinementNetParams = RefinementNetParams()
    loss: LossParams = LossParams(cvm_weight=0.0)
    optim: OptimParams = OptimParams(batch_size=64, learning_rate=5e-4)
    augmentation: OnlineRecipe = Field(default_factory=dict, description="kinds that change crops on the fly, by name")
    loop: LoopParams = LoopParams()
    health: HealthParams = HealthParams()
    reader: str = "consensus"
    crops_per_epoch: int = Field(60_000, ge=1)
    crops_per_image: int = Field(16, ge=1, description="crops taken of a source each time it is decoded, at most what it has")
    valid_crops: int = Field(6_000, ge=1, description="crops of the validation split that each validation looks at")

    @model_validator(mode="after")
    def _batches_are_whole_sources(self) -> "Stage2Params":
        size, each = self.optim.batch_size, self.crops_per_image
        below = size // each * each
        if size != below:
            nearest = f"{below} or {below + each}" if below else str(each)
            raise ValueError(
                f"optim.batch_size is {size}, expected a multiple of crops_per_image = {each}, since a batch holds "
                f"whole sources: set it to {nearest}, or change crops_per_image"
            )
        return self


class FoldParams(Params):
    """The `folds` pipeline: detectors, each trained without one fold of the training sources."""

    count: int = Field(5, ge=2, le=20, description="folds that the training sources are assigned to")
    only: tuple[int, ...] | None = Field(None, description="the folds to train now, from 0; null: all")
    seed: int = Field(42, ge=0, description="of the assignment")

    @model_validator(mode="after")
    def _folds_exist(self) -> "FoldParams":
        if self.only == ():
            raise ValueError("only is empty, expected at least one fold; leave it out to train all of them")
        if unknown := [number for number in self.only or () if not 0 <= number < self.count]:
            raise ValueError(f"only names {unknown}, but the {self.count} folds are numbered 0 to {self.count - 1}")
        return self

    @property
    def wanted(self) -> tuple[int, ...]:
        """The folds to train now, each once and in ascending order."""
        return tuple(range(self.count)) if self.only is None else tuple(sorted(set(self.only)))


class EnsembleParams(Params):
    """The `ensemble` pipeline: detectors of other seeds, which answer together with the main job's."""

    count: int = Field(3, ge=2, le=20, description="detectors that answer together, the main job's included")


class CompareParams(Params):
    """The `compare` and `learning_curve` pipelines: trainings of stage 1 that differ in one thing."""

    backbones: tuple[str, ...] = Field(
        ("resnet18", "resnet34", "hrnet_w18", "hrnet_w32", "hrnet_w48"), min_length=1, description="networks that are compared"
    )
    training_sources: tuple[PositiveInt, ...] = Field(
        (5, 10, 18, 50, 100, 500),
        min_length=1,
        description="numbers of training images of the learning curve, where there are",
    )
    seed: int = Field(42, ge=0, description="chooses which images; larger sets contain the smaller ones")
