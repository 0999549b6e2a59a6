"""ImageNet weights of timm's models: from an installed package, from the hub's cache, or from the hub where it answers."""

import logging
from functools import cache
from typing import Any

import timm
from huggingface_hub import constants, get_session, try_to_load_from_cache

from ceph_pipeline.errors import CephError, InvalidValueError, install_hint
from ceph_pipeline.models.packaged import PACKAGES, packaged_weights

logger = logging.getLogger(__name__)

ANSWER_WITHIN_S = 5.0
"""The hub's own client tries for about a minute before it gives up; one question settles whether there is a network."""


class MissingWeightsError(CephError, ImportError):
    """Pretrained weights are asked for that a package carries, and neither it nor the hub is there."""


def published_weights(name: str) -> dict[str, Any] | None:
    """Where timm finds the pretrained weights of a model, as entries of its `pretrained_cfg`.

    Returns:
        The tensors of an installed package; the file in the hub's cache; nothing to add where it has to be fetched; None
        where it cannot be, which is said once.

    Raises:
        ValueError: nobody publishes pretrained weights of this model.
        MissingWeightsError: the hub does not answer, and a package that carries them is not installed.
        WeightsError: the installed package holds other tensors.
    """
    packaged = packaged_weights(name)
    if packaged is not None:
        logger.info("ImageNet weights of %s from the package %s", name, PACKAGES[name])
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
            f"no pretrained weights of {name}: {PACKAGES[name]} is not installed, and {constants.ENDPOINT} does not answer. "
            f"Set `pretrained` to false, or {install_hint('pretrained')}."
        )
    say_once(f"no pretrained weights of {name}: {constants.ENDPOINT} does not answer. Its backbone starts from random weights.")
    return None


@cache
def is_reachable() -> bool:
    """Whether the hub answers; asked once a process."""
    try:
        get_session().head(constants.ENDPOINT, timeout=ANSWER_WITHIN_S)
    except Exception as error:  # of whichever HTTP library the hub's client is built on
        logger.debug("%s: %s", constants.ENDPOINT, error)
        return False
    return True


@cache
def say_once(message: str) -> None:
    """Warn, but not again in the same words."""
    logger.warning(message)
