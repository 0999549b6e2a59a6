"""Automatic landmark detection on lateral cephalograms, as a Kedro project."""

__version__ = "0.1.0"
