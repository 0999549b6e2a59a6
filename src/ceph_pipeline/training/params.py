"""Parameters of both training stages.

Does not import torch, because Kedro resolves these types when it registers the pipelines.
"""

from typing import Literal

from pydantic import Field, model_validator

from ceph_pipeline.artifacts import Params
from ceph_pipeline.augmentation.params import OnlineRecipe

_WIDEST_TARGET = 1 / 8
"""Greatest standard deviation of a target, as a fraction of the input's shorter side.

Landmarks of phantoms vary by 1/20 of this side (sd) between images. With targets 2.5 times as wide, the heatmaps of the mean
shape fit every image, and the network learns nothing.
"""


class NetParams(Params):
    """The network of stage 1."""

    backbone: str = Field(
        "hrnet_w48", description="hrnet_w18_small … hrnet_w48, resnet18, resnet34 or a timm model with features_only"
    )
    input_width_px: int = Field(512, ge=64, multiple_of=32, description="width of the network's input")
    input_height_px: int = Field(512, ge=64, multiple_of=32, description="height of the network's input")
    resize: Literal["letterbox", "stretch"] = Field(
        "letterbox", description="letterbox: keep the aspect ratio and pad; stretch: fill the input"
    )
    input_gamma: float = Field(
        1.0,
        ge=0.2,
        le=5,
        description="exponent of the grey levels in the network's input; below 1 makes faint structures in dark regions visible",
    )
    stride: Literal[2, 4, 8] = Field(
        4, description="input px per heatmap px; an input of 512 px with stride 8 has heatmaps of 64 px"
    )
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout probability")
    drop_path: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="probability of skipping a residual branch (stochastic depth); ResNets and ConvNeXts support it",
    )
    in_channels: Literal[1, 3] = Field(1, description="channels of the input; 3: the grey image is repeated three times")
    pretrained: bool | str = Field(
        False,
        description="true: ImageNet weights from an installed package, or from the hub if it can be reached; a path: the "
        "weights of a checkpoint, including the heads of checkpoints of this project",
    )
    on_mismatch: Literal["error", "random", "fallback"] = Field(
        "error",
        description="if the checkpoint fits another backbone: error: raise an error; random: start with random weights; "
        "fallback: train a ResNet-18 with ImageNet weights",
    )


class RefinementNetParams(Params):
    """The network of stage 2; `crops.crop_px` sets the size of its input, a crop."""

    backbone: str = Field("hrnet_w32", description="as in `stage1.net`")
    conditioning: Literal["landmark", "none"] = Field(
        "landmark",
        description="landmark: the network is conditioned on the crop's landmark; none: it locates the landmark near the centre",
    )
    stride: Literal[2, 4] = Field(4, description="crop px per heatmap px")
    dropout: float = Field(0.0, ge=0, lt=1, description="dropout probability")
    drop_path: float = Field(0.0, ge=0, lt=1, description="as in `stage1.net`")
    in_channels: Literal[1, 3] = Field(1, description="as in `stage1.net`")
    pretrained: bool | str = Field(False, description="as in `stage1.net`")
    on_mismatch: Literal["error", "random", "fallback"] = Field("error", description="as in `stage1.net`")


class LossParams(Params):
    """The landmark loss."""

    kind: Literal["combined", "dark", "adaptive_wing", "cross_entropy", "wing", "smooth_l1", "mse"] = Field(
        "combined", description="wing, smooth_l1 and mse regress coordinates; the others regress heatmaps"
    )
    dark_weight: float = Field(0.5, ge=0, description="for kind combined: weight of the heatmap term")
    wing_weight: float = Field(0.5, ge=0, description="for kind combined: weight of the coordinate term after its ramp")
    sigma_px: float = Field(
        2.0,
        ge=0.7,
        le=10,
        description="standard deviation of the target Gaussian in heatmap px; below 0.7, noise of 2 % costs more than 0.1 px",
    )
    wing_ramp_epochs: float = Field(
        5, ge=0, description="number of epochs over which the coordinate term grows to its full weight"
    )
    absent_weight: float = Field(
        0.0,
        ge=0,
        description="weight of the empty-heatmap loss for landmarks outside the picture and for images without any "
        "annotated landmark; the network learns to predict absence. A single missing landmark on an annotated "
        "image has no loss",
    )
    cvm_weight: float = Field(
        0.3,
        ge=0,
        description="weight of the losses of the CVM head and the vertical-measurements head; 0: the network has neither head",
    )

    @property
    def settings(self) -> dict[str, float]:
        """The arguments of `create_loss` that depend on the kind."""
        return {"dark_weight": self.dark_weight, "wing_weight": self.wing_weight} if self.kind == "combined" else {}

    @model_validator(mode="after")
    def _something_weighs(self) -> "LossParams":
        if self.kind == "combined" and self.dark_weight + self.wing_weight == 0:
            raise ValueError("dark_weight and wing_weight are both 0; expected at least one above 0")
        return self


class OptimParams(Params):
    """The optimiser AdamW and its learning-rate schedule."""

    epochs: int = Field(200, ge=1, description="number of epochs")
    batch_size: int = Field(
        6, ge=1, description="whole images per batch and device; for stage 2: crops, a multiple of `crops_per_image`"
    )
    accumulate_batches: int = Field(
        1, ge=1, description="number of batches whose gradients are accumulated for one step of the optimiser"
    )
    learning_rate: float = Field(1e-4, gt=0, le=1, description="peak learning rate")
    weight_decay: float = Field(0.01, ge=0, description="weight decay of AdamW")
    schedule: Literal["cosine", "one_cycle", "plateau"] = Field(
        "cosine",
        description="learning-rate schedule; cosine and plateau start with a warm-up; one_cycle rises over the first 30 % "
        "of the training",
    )
    warmup_epochs: float = Field(10, ge=0, description="number of warm-up epochs")
    cosine_floor: float = Field(
        0.01, ge=0, le=1, description="final learning rate of the cosine schedule as a fraction of the peak"
    )
    plateau_patience: int = Field(
        5, ge=1, description="number of validations without improvement after which schedule plateau lowers the learning rate"
    )
    plateau_factor: float = Field(0.3, gt=0, lt=1, description="factor by which schedule plateau multiplies the learning rate")
    unfreeze_after_epochs: int = Field(
        0, ge=0, description="number of epochs in which the backbone and its BatchNorm statistics are frozen"
    )
    backbone_rate_factor: float = Field(
        1.0, gt=0, le=10, description="learning rate of the backbone as a multiple of the heads' learning rate"
    )
    clip_norm: float = Field(5.0, gt=0, description="gradients are clipped to this norm")
    ema_decay: float | None = Field(
        None, gt=0, lt=1, description="decay of the exponential moving average of the weights; null: no averaging"
    )
    precision: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="auto: bfloat16 where the device supports it natively, float16 on older GPUs, float32 elsewhere"
    )
    compile: bool = Field(
        False,
        description="compile the network with torch.compile; where the platform does not support it, the training runs "
        "uncompiled",
    )


class LoopParams(Params):
    """The training loop."""

    seed: int = Field(42, ge=0, description="seed of the training")
    workers: int = Field(2, ge=0, description="number of data-loading processes")
    balance_devices: float = Field(
        0.0,
        ge=0,
        le=1,
        description="sampling by X-ray device: 0: uniform over images; 1: uniform over devices; values between interpolate",
    )
    validate_every_epochs: int = Field(1, ge=1, description="number of epochs between validations")
    monitor: Literal["mre", "pck", "last"] = Field(
        "mre",
        description="which weights are kept; mre: those of the validation with the least mean radial error; pck: with the "
        "most points within 2 % of the long side; last: those of the last validation, for validation splits too "
        "small to compare epochs",
    )
    patience: int | None = Field(None, ge=1, description="stop after this many validations without improvement; null: never")
    find: Literal["learning_rate"] | None = Field(
        None,
        description="learning_rate: run a learning-rate finder before the first epoch and train with its result; null: "
        "use the configured learning rate",
    )
    devices: int = Field(1, ge=1, description="number of GPUs per machine, or of CPU processes; `optim.batch_size` is per device")
    nodes: int = Field(1, ge=1, description="number of machines that train together")
    sync_batchnorm: bool = Field(False, description="synchronise BatchNorm over the batches of all devices; GPUs only")
    force: bool = Field(False, description="start again and discard earlier trainings")

    @model_validator(mode="after")
    def _patience_waits_for_something(self) -> "LoopParams":
        if self.monitor == "last" and self.patience is not None:
            raise ValueError("patience cannot be combined with monitor: last; set patience to null")
        return self

    @model_validator(mode="after")
    def _one_device_searches(self) -> "LoopParams":
        if self.find is not None and self.devices * self.nodes > 1:
            raise ValueError(
                "find runs on one device only: set devices and nodes to 1, then train with the learning rate that it has found"
            )
        return self


class HealthParams(Params):
    """Reactions to health findings; the health report is always written."""

    stop_hopeless: bool = Field(
        False,
        description="stop the training if a finding that further training cannot mend persists for three validations, or "
        "immediately if values are not finite",
    )


class Stage1Params(Params):
    """`stage1`: the network on the whole image."""

    net: NetParams = NetParams()
    loss: LossParams = LossParams()
    optim: OptimParams = OptimParams()
    augmentation: OnlineRecipe = Field(default_factory=dict, description="kinds that change training images on the fly, by name")
    loop: LoopParams = LoopParams()
    health: HealthParams = HealthParams()
    reader: str = Field("consensus", description="reader whose points are the training targets")
    images_per_epoch: int | None = Field(
        None,
        ge=1,
        description="number of images and copies drawn per epoch; if there are fewer, each is drawn several times; null: "
        "each is used once",
    )

    @model_validator(mode="after")
    def _targets_tell_images_apart(self) -> "Stage1Params":
        sigma, side = self.loss.sigma_px * self.net.stride, min(self.net.input_width_px, self.net.input_height_px)
        if sigma > _WIDEST_TARGET * side:
            raise ValueError(
                f"loss.sigma_px is {self.loss.sigma_px:g}, which is {sigma:g} px of an input of {side} px: one heatmap this wide "
                f"fits every image. Expected at most {_WIDEST_TARGET * side / self.net.stride:.2g}"
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
    reader: str = Field("consensus", description="reader whose points are the training targets")
    crops_per_epoch: int = Field(60_000, ge=1, description="number of crops drawn per epoch")
    crops_per_image: int = Field(
        16, ge=1, description="number of crops taken from a source each time it is decoded; at most the number of its crops"
    )
    valid_crops: int = Field(8_700, ge=1, description="number of crops of the validation split in each validation")

    @model_validator(mode="after")
    def _batches_are_whole_sources(self) -> "Stage2Params":
        size, each = self.optim.batch_size, self.crops_per_image
        below = size // each * each
        if size != below:
            nearest = f"{below} or {below + each}" if below else str(each)
            raise ValueError(
                f"optim.batch_size is {size}; expected a multiple of crops_per_image = {each}, because a batch contains all "
                f"drawn crops of each source. Set it to {nearest}, or change crops_per_image"
            )
        return self
