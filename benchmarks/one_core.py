"""Restrict torch and OpenCV to one thread, so that compared operations use the same resources."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2
import torch


@contextmanager
def one_core() -> Iterator[None]:
    """Torch and OpenCV use one thread within this context; the previous numbers of threads are restored afterwards."""
    threads = torch.get_num_threads(), cv2.getNumThreads()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads[0])
        cv2.setNumThreads(threads[1])
