"""ImageNet weights of timm's models, from an installed package, the hub's cache, or the hub if it is reachable."""

import logging
from functools import cache
from typing import Any

import timm
from huggingface_hub import constants, get_session, try_to_load_from_cache

from ceph_pipeline.errors import CephError, InvalidValueError, install_hint
from ceph_pipeline.models.packaged import PACKAGES, packaged_weights

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
"""Timeout of the request that checks whether the hub is reachable; the hub's own client retries for about a minute."""


class MissingWeightsError(CephError, ImportError):
    """Neither the package with the requested pretrained weights is installed, nor is the hub reachable."""


def published_weights(name: str) -> dict[str, Any] | None:
    """The source of a model's pretrained weights, as entries of timm's `pretrained_cfg`.

    Returns:
        The tensors of an installed package, or the file in the hub's cache. An empty dictionary if the weights must be
        downloaded. None, with one warning, if the hub is not reachable.

    Raises:
        ValueError: no pretrained weights of this model are published.
        MissingWeightsError: the hub is not reachable, and the package with the weights is not installed.
        WeightsError: the installed package contains other tensors.
    """
    packaged = packaged_weights(name)
    if packaged is not None:
        logger.info("ImageNet weights of %s loaded from the package %s", name, PACKAGES[name])
        return {"state_dict": packaged}
    published = timm.get_pretrained_cfg(name)
    if published is None or not published.hf_hub_id:
        raise InvalidValueError(
            f"timm has no pretrained weights of {name!r}: set `pretrained` to false, or to a checkpoint's path."
        )
    cached = try_to_load_from_cache(published.hf_hub_id, published.hf_hub_filename or "model.safetensors")
    if isinstance(cached, str):
        return {"file": cached}
    if is_reachable():
        return {}
    if name in PACKAGES:
        raise MissingWeightsError(
            f"no pretrained weights of {name}: {PACKAGES[name]} is not installed, and {constants.ENDPOINT} is not reachable. "
            f"Set `pretrained` to false, or {install_hint('pretrained')}."
        )
    log_once(f"no pretrained weights of {name}: {constants.ENDPOINT} is not reachable. The backbone starts from random weights.")
    return None


@cache
def is_reachable() -> bool:
    """Whether the hub is reachable; checked once per process."""
    try:
        get_session().head(constants.ENDPOINT, timeout=ANSWER_WITHIN_S)
    except Exception as error:  # the hub's client may use any HTTP library
        logger.debug("%s: %s", constants.ENDPOINT, error)
        return False
    return True


@cache
def log_once(message: str) -> None:
    """Log a warning once; repetitions of the same message are ignored."""
    logger.warning(message)
