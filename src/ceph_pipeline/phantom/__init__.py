"""Phantoms: synthetic lateral cephalograms, drawn from sampled landmarks."""

from ceph_pipeline.phantom.params import PhantomParams

__all__ = ["PhantomParams"]
