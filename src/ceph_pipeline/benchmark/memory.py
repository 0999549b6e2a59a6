"""How much memory a measurement takes at its peak."""

import sys
from pathlib import Path

import torch

MEBIBYTE = 2**20


class PeakMemory:
    """Peak from its making on: what tensors take on a GPU, what the process takes beyond its start on a CPU.

    On a CPU the peak of a process never falls: measure one thing a process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start = 0.0 if device.type == "cuda" else _peak_of_process()
        self.restart()

    def restart(self) -> None:
        """Forget the peak where that is possible, on a GPU."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def mebibytes(self) -> float:
        """The peak so far."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / MEBIBYTE
        return _peak_of_process() - self.start


def _peak_of_process() -> float:
    """The most MiB that this process has had in memory."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / MEBIBYTE
    if sys.platform == "linux":  # whose ru_maxrss begins with the memory of the process that started this one
        status = Path("/proc/self/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE
