"""Time of building the index of training crops of 6,500 images with 29 landmarks each."""

from __future__ import annotations

import click
import numpy as np
import pandas as pd
import torch

from ceph_pipeline.benchmark.timing import time_step
from ceph_pipeline.crops import CropParams, training_index
from ceph_pipeline.landmarks import SCHEMAS
from ceph_pipeline.landmarks.tables import CONSENSUS, points_table
from ceph_pipeline.phantom.specimen import sample_specimen


def draw_tables(n_images: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """An images table, in which every second image is a validation image, and a landmarks table: one phantom's points in each."""
    ids = [f"image_{number:05d}" for number in range(n_images)]
    points = sample_specimen(0, 42, 2400).landmarks_px()
    head = np.array([points[landmark.symbol] for landmark in SCHEMAS["aariz"]])
    images = pd.DataFrame({"image_id": ids, "source_id": ids, "split": np.resize(["train", "valid"], n_images)})
    landmarks = points_table(np.repeat(head[None], n_images, axis=0), ids, list(SCHEMAS["aariz"].names))
    return images.assign(pixel_size_mm=0.1), landmarks.assign(reader=CONSENSUS)


@click.command()
@click.option("--images", default=6500, show_default=True)
@click.option("--iterations", default=3, show_default=True, help="Number of timed repetitions; the median is reported.")
def main(images: int, iterations: int) -> None:
    """Time the building of stage 2's index of training crops."""
    table, landmarks = draw_tables(images)
    predictions = landmarks.drop(columns="reader").assign(stage="stage1")

    def index() -> pd.DataFrame:
        return training_index(
            table, landmarks, images=table, landmarks=landmarks, stage1_predictions=predictions, params=CropParams()
        )

    crops = len(index())
    timing = time_step(index, iterations, 0, torch.device("cpu"))
    click.echo(f"{crops:,} crops in {timing.median_s:.2f} s")


if __name__ == "__main__":
    main()
