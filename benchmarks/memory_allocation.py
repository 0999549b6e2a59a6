"""Time of predicting and training a network on a CPU, with freed memory returned to the operating system and with it kept."""

import click
import torch

from ceph_pipeline.benchmark.isolation import in_own_process
from ceph_pipeline.benchmark.memory import PeakMemory
from ceph_pipeline.benchmark.timing import time_step
from ceph_pipeline.detector.allocation import keep_freed_memory
from ceph_pipeline.models import create_landmark_net


@click.command()
@click.option("--backbone", default="tf_efficientnet_lite0", help="Backbone of stage 1.")
@click.option("--width", default=512, help="Width of the input in px.")
@click.option("--height", default=640, help="Height of the input in px.")
@click.option("--batch", default=5, help="Images per step.")
@click.option("--iterations", default=4, help="Repetitions, after two to warm up.")
@click.option("--rounds", default=2, help="Alternations of both ways.")
def main(backbone: str, width: int, height: int, batch: int, iterations: int, rounds: int) -> None:
    """Print seconds per step and the peak memory; each measurement runs in a process of its own."""
    print(f"{backbone}, {batch} × {width} × {height} px, float32, {torch.get_num_threads()} threads")
    for number in range(rounds):
        for kept in (False, True):
            predict, train, peak = in_own_process(_measure, backbone, (batch, 1, height, width), iterations, kept=kept)
            way = "kept" if kept else "returned"
            print(f"round {number + 1}, memory {way:8}: predict {predict:.2f} s, train {train:.2f} s, peak {peak:,.0f} MiB")


def _measure(backbone: str, shape: tuple[int, ...], iterations: int, *, kept: bool) -> tuple[float, float, float]:
    """Seconds of a prediction and of a training step, and the increase of the process's peak memory in MiB."""
    cpu = torch.device("cpu")
    memory = PeakMemory(cpu)
    if kept:
        keep_freed_memory()
    net = create_landmark_net(backbone, 19).to(memory_format=torch.channels_last)
    images = torch.rand(shape).contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(net.parameters())

    def train() -> None:
        net(images).heatmaps.square().mean().backward()
        optimizer.step()
        optimizer.zero_grad()

    with torch.inference_mode():
        predicting = time_step(lambda: net.eval()(images), iterations, 2, cpu)
    net.train()
    training = time_step(train, iterations, 2, cpu)
    return predicting.median_s, training.median_s, memory.mebibytes()


if __name__ == "__main__":
    main()
