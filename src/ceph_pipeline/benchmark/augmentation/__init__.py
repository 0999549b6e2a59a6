"""Augmentation against a bare OpenCV loop, on films of ISBI 2015's size: `python -m ceph_pipeline.benchmark.augmentation`."""
