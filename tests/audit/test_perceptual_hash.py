"""Hashes of drawn heads."""

import cv2
import numpy as np
import pytest

from ceph_pipeline.audit.hash_search import near_pairs
from ceph_pipeline.audit.perceptual_hash import mirrored_hashes, perceptual_hash


def distance(a, b):
    return int(np.bitwise_count(perceptual_hash(a) ^ perceptual_hash(b)).sum())


def test_a_hash_has_256_bits(heads):
    assert perceptual_hash(heads(0)).shape == (4,)
    assert perceptual_hash(heads(0)).dtype == np.uint64


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("darker", lambda image: (image * 0.6).astype(np.uint8)),
        ("gamma", lambda image: (255 * (image / 255) ** 1.6).astype(np.uint8)),
        ("half size", lambda image: cv2.resize(image, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)),
        ("16 bits", lambda image: image.astype(np.uint16) * 257),
        ("12 bits of 16", lambda image: image.astype(np.uint16) << 4),
    ],
)
def test_tone_size_and_depth_hardly_change_the_hash(heads, name, change):
    image = heads(1)
    assert distance(image, change(image)) <= 20


def test_different_heads_differ_in_many_bits(heads):
    hashes = [heads(seed) for seed in range(6)]
    assert min(distance(a, b) for i, a in enumerate(hashes) for b in hashes[i + 1 :]) > 48


class TestNearPairs:
    def test_pairs_are_those_of_a_plain_double_loop(self):
        hashes = np.random.default_rng(0).integers(0, 2**64, (700, 4), dtype=np.uint64)  # more rows than one block
        hashes[650] = hashes[3]
        hashes[650, 2] ^= np.uint64(0b1011)
        hashes[699] = hashes[698]
        pairs = near_pairs(hashes, 6)
        assert list(zip(pairs.first, pairs.second, pairs.distance, pairs.mirrored, strict=True)) == [
            (3, 650, 3, False),
            (698, 699, 0, False),
        ]

    def test_the_limit_is_included(self):
        hashes = np.array([[0, 0, 0, 0], [7, 0, 0, 0]], np.uint64)
        assert len(near_pairs(hashes, 3).first) == 1
        assert len(near_pairs(hashes, 2).first) == 0

    def test_a_mirrored_head_is_near_and_marked(self, heads):
        image = heads(2)
        pairs = near_pairs(np.array([perceptual_hash(image), perceptual_hash(image[:, ::-1])]), 4)
        assert pairs.mirrored.tolist() == [True]

    def test_no_images_have_no_pairs(self):
        assert len(near_pairs(np.empty((0, 4), np.uint64), 48).first) == 0


class TestLargeSets:
    """More hashes than are all compared with each other."""

    def test_planted_pairs_are_found_and_no_others(self):
        rng = np.random.default_rng(0)
        hashes = rng.integers(0, 2**64, (6000, 4), dtype=np.uint64)
        turned = np.zeros((100, 256), np.uint8)
        for row in turned:
            row[rng.choice(256, 30, replace=False)] = 1  # copies differ in 30 bits
        hashes[5000:5100] = hashes[:100] ^ np.packbits(turned, axis=1).view(np.uint64)
        hashes[5050:5100] = mirrored_hashes(hashes[5050:5100])
        found = near_pairs(hashes, 48)
        expected = {(row, 5000 + row, 30, row >= 50) for row in range(100)}
        assert set(zip(*(column.tolist() for column in found), strict=True)) <= expected
        assert len(found.first) >= 98
