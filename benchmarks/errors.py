"""What stops a benchmark, in one line for the person who runs it."""


class BenchmarkError(Exception):
    """Something that a figure needs did not come about; the message says what and where."""
