import numpy as np

from ceph_pipeline.images.normalise import normalise


def test_exposure_and_bit_depth_do_not_matter():
    film = np.random.default_rng(0).integers(0, 120, (50, 40)).astype(np.uint8)
    deep = film.astype(np.uint16) * 257 + 1000

    np.testing.assert_allclose(normalise(film), normalise(deep), atol=1e-4)
    assert abs(normalise(film).mean()) < 1e-5
    assert abs(normalise(film).std() - 1) < 1e-4


def test_a_blank_film_becomes_zero():
    assert not normalise(np.full((4, 4), 200, np.uint8)).any()


def test_noise_of_a_nearly_blank_film_is_not_blown_up():
    film = np.full((100, 100), 50, np.uint8)
    film[0, 0] = 51

    assert np.abs(normalise(film)).max() <= 1
