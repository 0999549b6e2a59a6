"""What can end a training."""


class TrainingError(RuntimeError):
    """A training cannot start, cannot go on, or has gone wrong."""


def own_words(error: Exception) -> str:
    """An error's message without the traceback of the data-loading process, which PyTorch makes part of it."""
    return str(error).strip().rpartition(f"{type(error).__name__}: ")[2]
