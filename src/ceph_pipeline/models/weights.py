"""Backbone weights from checkpoints of other projects: timm, MMPose (CL-Detection 2023) and our own."""

import logging
import pickle
import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from timm.models import adapt_input_conv
from torch import Tensor, nn

from ceph_pipeline.errors import CephError

logger = logging.getLogger(__name__)

CONTAINERS = ("state_dict_ema", "state_dict", "model_ema", "model")
"""Keys under which training frameworks keep the weights, the averaged ones first."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "features.", "backbone.")
"""What frameworks put before a backbone's own keys, in any combination."""

MIN_SHARE = 0.8
"""Share of the backbone's tensors that a checkpoint has to fill before it counts as one of this architecture."""


class WeightsError(CephError, ValueError):
    """A checkpoint cannot be read safely, or belongs to another architecture."""


class WeightsMismatchError(WeightsError):
    """A readable checkpoint fills too little of the backbone."""


@dataclass(frozen=True)
class WeightsReport:
    """How a checkpoint met a backbone; counters of batches aside.

    Attributes:
        matched: Keys of the backbone that were filled.
        missing: Keys of the backbone that the checkpoint does not have; they keep their weights.
        mismatched: Keys of the backbone whose shape differs in the checkpoint; they keep their weights.
        unexpected: Keys of the checkpoint that the backbone does not have.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the backbone's tensors that were filled."""
        return len(self.matched) / max(len(self.matched) + len(self.missing) + len(self.mismatched), 1)

    def __str__(self) -> str:
        counts = {name: len(getattr(self, name)) for name in ("matched", "missing", "mismatched", "unexpected")}
        return ", ".join(f"{count} {name}" for name, count in counts.items())


def load_backbone_weights(net: nn.Module, path: str | Path) -> WeightsReport:
    """Fill a network's backbone from a checkpoint; heads stay as they are (`take_own_weights` fills those of our own).

    Reads timm's checkpoints, MMPose's (CL-Detection 2023) and this project's, as `.pth`, `.pt`, `.ckpt` or `.safetensors`.
    A first convolution for three channels is summed for grey images. Nothing is changed unless enough tensors match.

        report = load_backbone_weights(create_landmark_net("hrnet_w48", 29), "cldetection_hrnet_w48.pth")
        report.matched, report.missing

    Args:
        net: A landmark or refinement network, or a bare timm feature extractor.
        path: The checkpoint.

    Returns:
        What matched and what did not.

    Raises:
        WeightsError: the file is missing or damaged, holds code instead of weights, or NaN among them.
        WeightsMismatchError: it fits another architecture.
    """
    path = Path(path)
    backbone = getattr(net, "backbone", net)
    own = backbone.state_dict()
    given = {_bare_key(key, own): tensor for key, tensor in read_tensors(path).items() if not is_counter(key)}
    wanted = [key for key in own if not is_counter(key)]
    fitted = {key: _fit(given[key], own[key]) for key in wanted if key in given}
    report = WeightsReport(
        matched=tuple(key for key, tensor in fitted.items() if tensor is not None),
        missing=tuple(key for key in wanted if key not in given),
        mismatched=tuple(key for key, tensor in fitted.items() if tensor is None),
        unexpected=tuple(key for key in given if key not in own),
    )
    _require_share(report, path)
    matched = {key: tensor for key, tensor in fitted.items() if tensor is not None}
    if damaged := [key for key, tensor in matched.items() if not torch.isfinite(tensor).all()]:
        raise WeightsError(f"{path}: {len(damaged)} tensors hold NaN or infinite weights, first {damaged[0]}. Fetch it again.")
    backbone.load_state_dict(matched, strict=False)
    logger.info("backbone weights from %s: %s tensors", path.name, report)
    return report


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by key.

    Raises:
        WeightsError: the file is missing or damaged, or holds code instead of weights.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint file. Correct the path that `pretrained` names.")
    try:
        content: Any = (
            load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (pickle.UnpicklingError, struct.error, SafetensorError, RuntimeError, EOFError, LookupError) as error:
        raise _unreadable(path, error) from error
    return _tensors(content, path)


def _unreadable(path: Path, error: Exception) -> WeightsError:
    """The error for a file that holds code, or no checkpoint at all."""
    code = re.search(r"GLOBAL ([\w.]+)", str(error))
    if code is None:
        return WeightsError(f"{path}: not a checkpoint, or a damaged one. Fetch it again.")
    return WeightsError(
        f"{path}: refused, since it holds the Python object {code[1]} beside or instead of weights, and unpickling such objects "
        "can run any code. Where you trust its origin, save the weights alone: `torch.save(checkpoint['state_dict'], path)`."
    )


def _tensors(content: Any, path: Path) -> dict[str, Tensor]:
    if isinstance(content, dict):
        for name in CONTAINERS:
            if isinstance(content.get(name), dict):
                content = content[name]
                break
        tensors = {str(key): value for key, value in content.items() if isinstance(value, Tensor)}
        if tensors:
            return tensors
    raise WeightsError(f"{path}: no weights found, expected tensors by name, at the top or under {', '.join(CONTAINERS)}.")


def _bare_key(key: str, own: dict[str, Tensor]) -> str:
    """A checkpoint's key as the backbone spells it: without frameworks' prefixes, with timm's flattened module names."""
    bare = key
    while bare not in own:
        prefix = next((prefix for prefix in PREFIXES if bare.startswith(prefix)), None)
        if prefix is None:
            break
        bare = bare.removeprefix(prefix)
    if bare in own:
        return bare
    flattened = bare.replace(".", "_", 1)  # timm's feature lists name `stages.0` as `stages_0`
    return flattened if flattened in own else bare


def _fit(given: Tensor, own: Tensor) -> Tensor | None:
    """The tensor in the backbone's shape, or None."""
    if given.shape == own.shape:
        return given
    is_other_input = given.ndim == 4 and given.shape[1] == 3 and own.shape == (given.shape[0], own.shape[1], *given.shape[2:])
    return adapt_input_conv(own.shape[1], given) if is_other_input else None


def is_counter(key: str) -> bool:
    """Whether a key names a count of batches, which is no weight."""
    return key.endswith("num_batches_tracked")


def _require_share(report: WeightsReport, path: Path) -> None:
    if report.share >= MIN_SHARE:
        return
    examples = [f"{kind}: {', '.join(getattr(report, kind)[:3])}" for kind in ("missing", "mismatched", "unexpected")]
    raise WeightsMismatchError(
        f"{path}: fills {report.share:.0%} of the backbone's tensors, expected at least {MIN_SHARE:.0%} ({report}; "
        f"{'; '.join(examples)}). Choose the backbone that the checkpoint was trained with, or set `on_mismatch`."
    )
