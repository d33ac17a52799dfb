"""The work that a forecast is about: so many items, and what is known of one of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Work:
    """A list and what its items take; bytes are those of compact JSON in UTF-8.

    Attributes
    ----------
    items
        Length of the list, at least 1.
    item_bytes, result_bytes
        Of one item and of its result, on average.
    largest_item_bytes
        Of the largest item.
    seconds
        What `process` takes for an item, on average.
    spread
        Standard deviation of that over its average; 0 where all items take the same time.
    failure_rate
        Share of attempts that fail, from 0 to less than 1; each attempt for itself.
    throttled_share
        Share of the items that are marked for the queue of `throttledMap`, from 0 to 1.
    needs_token
        Whether each item is answered later, with a task token.
    """

    items: int
    item_bytes: float = 100.0
    result_bytes: float = 100.0
    seconds: float = 0.1
    largest_item_bytes: float = 0.0
    spread: float = 0.0
    failure_rate: float = 0.0
    throttled_share: float = 0.0
    needs_token: bool = False

    @property
    def varies(self) -> bool:
        """Whether chance plays a part in how long it takes."""
        return bool(self.spread or self.failure_rate)

    @property
    def list_bytes(self) -> float:
        """Size of the list as a JSON array."""
        return self.items * (self.item_bytes + 1) + 1

    @property
    def largest(self) -> float:
        """Size of the largest item, which is at least the average one."""
        return max(self.largest_item_bytes, self.item_bytes)

    def attempts(self, most: int) -> float:
        """Average number of attempts for an item that is tried at most so often."""
        return (1 - self.failure_rate**most) / (1 - self.failure_rate)

    def failed_share(self, most: int) -> float:
        """Share of items whose last attempt fails."""
        return self.failure_rate**most

    def repeats(self, most: int, unit_items: int) -> float:
        """Average number of times that a unit of several items goes on with those that failed."""
        return sum(1 - (1 - self.failure_rate**attempt) ** unit_items for attempt in range(1, most))
