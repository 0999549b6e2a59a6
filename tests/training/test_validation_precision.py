"""Mixed precision does not round validation errors: bfloat16 has 8 bits, half a millimetre in a hundred."""

import torch

from ceph_pipeline.training.module import original_distance


def test_distance_in_px_of_the_originals_is_exact_under_autocast():
    to_original = torch.tensor([[[3.78, 0.0, -5.0], [0.0, 3.78, 7.0]]])
    truth, found = torch.tensor([[[100.0, 200.0]]]), torch.tensor([[[103.3, 204.4]]])
    with torch.autocast("cpu", dtype=torch.bfloat16):
        distance = original_distance(found, truth, to_original)
    assert distance.dtype == torch.float32
    torch.testing.assert_close(distance, torch.tensor([[3.78 * 5.5]]), rtol=1e-5, atol=0)


def test_rotated_and_sheared_maps_are_followed():
    to_original = torch.tensor([[[0.0, -2.0, 9.0], [2.0, 1.0, 9.0]]])
    truth, found = torch.zeros(1, 1, 2), torch.tensor([[[1.0, 2.0]]])
    torch.testing.assert_close(original_distance(found, truth, to_original), torch.tensor([[(4.0**2 + 4.0**2) ** 0.5]]))
