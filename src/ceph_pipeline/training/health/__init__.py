"""Health of trainings: what curves and predictions say about a run, and which setting to change.

A callback gathers a record of plain numbers; the checks read the record alone, so that a finished training can be examined
again.
"""
