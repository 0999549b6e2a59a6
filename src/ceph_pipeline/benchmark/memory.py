"""Peak memory of a measurement."""

import sys
from pathlib import Path

import torch

MEBIBYTE = 2**20


class PeakMemory:
    """Peak memory since the creation of this object.

    On a GPU this is the memory of tensors; on a CPU it is the increase of the process's peak memory. On a CPU the peak of a
    process never decreases, so that each measurement needs its own process.
    """

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.start = 0.0 if device.type == "cuda" else _peak_of_process()
        self.restart()

    def restart(self) -> None:
        """Reset the peak on a GPU; on a CPU do nothing."""
        if self.device.type == "cuda":
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats(self.device)

    def mebibytes(self) -> float:
        """The peak so far, in MiB."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / MEBIBYTE
        return _peak_of_process() - self.start


def _peak_of_process() -> float:
    """Peak memory of this process, in MiB."""
    if sys.platform == "win32":
        import psutil

        return psutil.Process().memory_info().peak_wset / MEBIBYTE
    if sys.platform == "linux":  # ru_maxrss starts at the memory of the parent process on Linux
        status = Path("/proc/self/status").read_text("utf-8")
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MEBIBYTE
