"""Kedro pipelines: each translates catalog objects into calls on the packages above."""
