"""What ends a Map Run whose list cannot be read."""

from local.states.errors import StatesError

ITEM_READER_FAILED = "States.ItemReaderFailed"


class ItemReaderError(StatesError):
    """A list that is missing, malformed or of a kind that cannot be read."""

    def __init__(self, cause: str) -> None:
        super().__init__(ITEM_READER_FAILED, cause)
