"""What stage 1's other heads say about whole images: the CVM stage and the vertical measurements."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd
import torch

from ceph_pipeline.detector.forward import channels_last, native_precision
from ceph_pipeline.detector.framing import frame, reduce
from ceph_pipeline.images.normalise import normalise
from ceph_pipeline.landmarks import Affine
from ceph_pipeline.losses.cvm import predicted_stage

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ceph_pipeline.detector.checkpoint import TrainedNet
    from ceph_pipeline.images import ImageStore
    from ceph_pipeline.images.codec import GreyImage
    from ceph_pipeline.landmarks.geometry import Size


@torch.inference_mode()
def predict_heads(
    trained: TrainedNet, cache: ImageStore, image_ids: list[str], sizes: NDArray[np.int64], *, batch_size: int
) -> pd.DataFrame:
    """Apply the heads, one view an image.

    Args:
        trained: A network of stage 1.
        cache: Pre-resized pixels.
        image_ids: N identifiers.
        sizes: `(N, 2)` width and height of the originals in px.
        batch_size: Images a forward pass.

    Returns:
        Rows `image_id, output, value`: `cvm_stage` (1–6) and the measurements by key, in their own units; no rows for a
        network without such heads.
    """
    net, device = trained.net, next(trained.net.parameters()).device
    parts = []
    for start in range(0, len(image_ids), batch_size):
        chunk = image_ids[start : start + batch_size]
        originals = [(int(width), int(height)) for width, height in sizes[start : start + batch_size]]
        inputs = np.stack([_input(trained, cache.read(name), size) for name, size in zip(chunk, originals, strict=True)])
        with native_precision(device):
            output = net(channels_last(inputs).to(device))
        values: dict[str, NDArray[np.float64]] = {}
        if output.cvm_logits is not None:
            values["cvm_stage"] = predicted_stage(output.cvm_logits.float()).cpu().numpy().astype(np.float64)
        if output.measurements is not None:
            scored = output.measurements.float().cpu().numpy().astype(np.float64)
            original = scored * np.array(trained.facts["measurement_sd"]) + np.array(trained.facts["measurement_mean"])
            values |= dict(zip(trained.facts["measurements"], original.T, strict=True))
        parts += [pd.DataFrame({"image_id": chunk, "output": k, "value": v}) for k, v in values.items()]
    return pd.concat(parts, ignore_index=True) if parts else no_outputs()


def no_outputs() -> pd.DataFrame:
    """The table of a network that has landmarks only."""
    return pd.DataFrame({"image_id": pd.Series(dtype=str), "output": pd.Series(dtype=str), "value": pd.Series(dtype=float)})


def _input(trained: TrainedNet, stored: GreyImage, original: Size) -> NDArray[np.float32]:
    """An image as stage 1 sees it in validation: reduced, then one warp to the network's input `(H, W)`."""
    to_input = frame(original, trained.input_size, trained.facts["resize"])
    reduced = reduce(stored, original, trained.input_size)
    warp = Affine.resize(original, (reduced.shape[1], reduced.shape[0])).inverse().then(to_input)
    return np.asarray(cv2.warpAffine(normalise(reduced), warp.matrix, trained.input_size, flags=cv2.INTER_LINEAR), np.float32)
