"""What reading an image can end in."""


class ImageReadError(ValueError):
    """An image file is missing, damaged, too large or of a kind that cannot be read."""
