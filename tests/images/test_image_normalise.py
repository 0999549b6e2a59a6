import numpy as np

from ceph_pipeline.images.normalise import normalise, normalise_each, raise_levels


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


def test_each_of_several_images_is_normalised_as_if_it_were_alone():
    images = np.random.default_rng(1).integers(0, 4000, (3, 20, 30)).astype(np.uint16) * np.array(
        [[[1]], [[5]], [[0]]], np.uint16
    )
    together = normalise_each(images)
    assert together.dtype == np.float32
    for image, normalised in zip(images, together, strict=True):
        np.testing.assert_array_equal(normalised, normalise(image))


def test_levels_raised_to_half_show_what_is_faint_in_the_dark():
    np.testing.assert_allclose(
        raise_levels(np.array([[0, 4, 64, 255]], np.uint8), 0.5), [[0, 255 * (4 / 255) ** 0.5, 127.75, 255]], rtol=1e-4
    )


def test_levels_raised_are_the_same_at_any_depth_once_normalised():
    film = np.random.default_rng(0).integers(0, 256, (50, 40)).astype(np.uint8)
    deep = film.astype(np.uint16) * 257
    np.testing.assert_allclose(normalise(raise_levels(film, 0.5)), normalise(raise_levels(deep, 0.5)), atol=1e-4)


def test_no_images_are_an_empty_stack():
    assert normalise_each(np.empty((0, 8, 8), np.uint8)).shape == (0, 8, 8)
