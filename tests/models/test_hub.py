"""Pretrained weights: from the cache, from a hub that answers, or none, quickly and said."""

import logging

import pytest
import timm
import torch
from safetensors.torch import save_file

from ceph_pipeline.models import create_landmark_net, hub

LOGGER = "ceph_pipeline.models.hub"


class _Session:
    """Stands for the hub's HTTP client."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error
        self.questions = 0

    def head(self, url: str, timeout: float) -> None:
        self.questions += 1
        assert url.startswith("https://")
        assert timeout <= 5
        if self.error:
            raise self.error


@pytest.fixture(autouse=True)
def _nothing_asked_yet(monkeypatch):
    hub.is_reachable.cache_clear()
    hub.log_once.cache_clear()
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda repo, file: None)
    yield
    hub.is_reachable.cache_clear()
    hub.log_once.cache_clear()


def _answering(monkeypatch, error=None):
    session = _Session(error)
    monkeypatch.setattr(hub, "get_session", lambda: session)
    return session


class TestOffline:
    def test_unreachable_hub_is_asked_once_said_once_and_training_starts_from_scratch(self, monkeypatch, caplog):
        session = _answering(monkeypatch, ConnectionError("no route"))
        with caplog.at_level(logging.WARNING, LOGGER):
            for _ in range(2):
                create_landmark_net("resnet18", 3, pretrained=True)
        assert session.questions == 1
        assert [record.message for record in caplog.records] == [
            "no pretrained weights of resnet18: https://huggingface.co is not reachable. The backbone starts from random weights."
        ]

    def test_weights_in_the_cache_need_no_network(self, monkeypatch, tmp_path):
        weights = timm.create_model("resnet18").state_dict()
        save_file(weights, tmp_path / "model.safetensors")
        monkeypatch.setattr(hub, "try_to_load_from_cache", lambda repo, file: str(tmp_path / file))
        session = _answering(monkeypatch, ConnectionError("no route"))
        net = create_landmark_net("resnet18", 3, in_channels=3, pretrained=True)
        assert session.questions == 0
        assert torch.equal(net.backbone.layer4[1].conv2.weight, weights["layer4.1.conv2.weight"])

    def test_download_that_breaks_off_is_said(self, monkeypatch, caplog):
        _answering(monkeypatch)
        create = timm.create_model

        def broken(name, *, pretrained, **settings):
            if pretrained:
                raise FileNotFoundError("connection reset")
            return create(name, pretrained=False, **settings)

        monkeypatch.setattr(timm, "create_model", broken)
        with caplog.at_level(logging.WARNING, LOGGER):
            create_landmark_net("resnet18", 3, pretrained=True)
        assert "no pretrained weights of resnet18 (FileNotFoundError)" in caplog.text


class TestOnline:
    def test_hub_that_answers_leaves_the_download_to_timm(self, monkeypatch):
        _answering(monkeypatch)
        assert hub.published_weights("resnet18") == {}

    def test_model_that_nobody_trained_is_refused_with_what_to_do(self, monkeypatch):
        _answering(monkeypatch)
        monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: None)
        with pytest.raises(ValueError, match=r"no pretrained weights of 'resnet18': set `pretrained` to false"):
            hub.published_weights("resnet18")
