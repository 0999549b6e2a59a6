"""Health checks of trainings: diagnose problems from curves and predictions, and suggest parameters to change.

A callback collects a record of plain numbers. The checks use this record only, so that a finished training can be checked
again.
"""
