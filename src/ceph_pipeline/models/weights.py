"""Backbone weights from checkpoints of timm, MMPose (CL-Detection 2023) and this project."""

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
"""Keys of the weights in checkpoints of training frameworks; averaged weights take precedence."""

PREFIXES = ("module.", "_orig_mod.", "model.", "net.", "features.", "backbone.")
"""Prefixes that frameworks add to a backbone's keys, in any combination."""

MIN_SHARE = 0.8
"""Minimum share of the backbone's tensors that a checkpoint of the same architecture matches."""


class WeightsError(CephError, ValueError):
    """A checkpoint cannot be read safely, or belongs to another architecture."""


class WeightsMismatchError(WeightsError):
    """A readable checkpoint matches too few tensors of the backbone."""


@dataclass(frozen=True)
class WeightsReport:
    """Comparison of a checkpoint and a backbone; BatchNorm's batch counters are ignored.

    Attributes:
        matched: Keys of the backbone whose weights were loaded.
        missing: Keys of the backbone that the checkpoint lacks; their weights are unchanged.
        mismatched: Keys of the backbone whose shape differs in the checkpoint; their weights are unchanged.
        unexpected: Keys of the checkpoint that the backbone lacks.
    """

    matched: tuple[str, ...]
    missing: tuple[str, ...]
    mismatched: tuple[str, ...]
    unexpected: tuple[str, ...]

    @property
    def share(self) -> float:
        """Share of the backbone's tensors that were loaded."""
        return len(self.matched) / max(len(self.matched) + len(self.missing) + len(self.mismatched), 1)

    def __str__(self) -> str:
        counts = {name: len(getattr(self, name)) for name in ("matched", "missing", "mismatched", "unexpected")}
        return ", ".join(f"{count} {name}" for name, count in counts.items())


def load_backbone_weights(net: nn.Module, path: str | Path) -> WeightsReport:
    """Load a network's backbone from a checkpoint; heads are unchanged (`take_own_weights` loads heads of this project).

    Reads checkpoints of timm, MMPose (CL-Detection 2023) and this project, as `.pth`, `.pt`, `.ckpt` or `.safetensors`. The
    weights of a first convolution for three channels are summed for grey images. If too few tensors match, the network is
    unchanged.

        report = load_backbone_weights(create_landmark_net("hrnet_w48", 29), "cldetection_hrnet_w48.pth")
        report.matched, report.missing

    Args:
        net: A landmark or refinement network, or a bare timm feature extractor.
        path: The checkpoint.

    Returns:
        The matched and unmatched keys.

    Raises:
        WeightsError: the file is missing or damaged, or contains code or NaN.
        WeightsMismatchError: the checkpoint fits another architecture.
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
        raise WeightsError(
            f"{path}: {len(damaged)} tensors contain NaN or infinite weights, first {damaged[0]}. Download it again."
        )
    backbone.load_state_dict(matched, strict=False)
    logger.info("backbone weights from %s: %s tensors", path.name, report)
    return report


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of a checkpoint, by key.

    Raises:
        WeightsError: the file is missing or damaged, or contains code.
    """
    if not path.is_file():
        raise WeightsError(f"{path}: no such checkpoint file. Correct the path in `pretrained`.")
    try:
        content: Any = (
            load_file(path) if path.suffix == ".safetensors" else torch.load(path, map_location="cpu", weights_only=True)
        )
    except (pickle.UnpicklingError, struct.error, SafetensorError, RuntimeError, EOFError, LookupError) as error:
        raise _unreadable(path, error) from error
    return _tensors(content, path)


def _unreadable(path: Path, error: Exception) -> WeightsError:
    """The error for a file that contains code or is not a checkpoint."""
    code = re.search(r"GLOBAL ([\w.]+)", str(error))
    if code is None:
        return WeightsError(f"{path}: not a checkpoint, or a damaged one. Download it again.")
    return WeightsError(
        f"{path}: rejected, because it contains the Python object {code[1]}, and unpickling such objects can execute any code. "
        "If you trust the origin, save the weights only: `torch.save(checkpoint['state_dict'], path)`."
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
    raise WeightsError(f"{path}: no weights found, expected tensors by name, at the top level or under {', '.join(CONTAINERS)}.")


def _bare_key(key: str, own: dict[str, Tensor]) -> str:
    """The backbone's key for a checkpoint's key: without frameworks' prefixes, with timm's flattened module names."""
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
    """Whether a key is BatchNorm's batch counter, which is not a weight."""
    return key.endswith("num_batches_tracked")


def _require_share(report: WeightsReport, path: Path) -> None:
    if report.share >= MIN_SHARE:
        return
    examples = [f"{kind}: {', '.join(getattr(report, kind)[:3])}" for kind in ("missing", "mismatched", "unexpected")]
    raise WeightsMismatchError(
        f"{path}: matches {report.share:.0%} of the backbone's tensors, expected at least {MIN_SHARE:.0%} ({report}; "
        f"{'; '.join(examples)}). Choose the backbone that the checkpoint was trained with, or set `on_mismatch`."
    )
