"""Which device computes, and what is said where it is not there."""

import pytest
import torch

from ceph_pipeline.detector.forward import DeviceError, resolve_device


@pytest.mark.parametrize(("gpu", "expected"), [(True, "cuda"), (False, "cpu")])
def test_auto_takes_a_gpu_where_there_is_one(monkeypatch, gpu, expected):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert resolve_device("auto").type == expected


def test_a_device_that_is_not_there_is_refused_at_once(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError, match=r"'cuda' is not available, this machine has .*cpu. Set it to auto"):
        resolve_device("cuda")
    assert resolve_device("cpu").type == "cpu"
