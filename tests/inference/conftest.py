"""The detectors' networks of known answers serve these tests too."""

from ..detector.conftest import checkpoints, dot_finder, dot_refiner, dotted, xrays

__all__ = ["checkpoints", "dot_finder", "dot_refiner", "dotted", "xrays"]
