"""What can end a training."""


class TrainingError(RuntimeError):
    """A training cannot start, cannot go on, or has gone wrong."""
