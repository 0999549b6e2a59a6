"""The detectors' networks of known answers serve these tests too."""

from ..detector.conftest import checkpoints, dotted, ruler_checkpoints

__all__ = ["checkpoints", "dotted", "ruler_checkpoints"]
