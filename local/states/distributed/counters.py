"""What DescribeMapRun counts: the items of a Map Run, and the child executions that they are in."""

NAMES = (
    "pending",
    "running",
    "succeeded",
    "failed",
    "timedOut",
    "aborted",
    "total",
    "resultsWritten",
    "failuresNotRedrivable",
    "pendingRedrive",
)
ENDS = {"SUCCEEDED": "succeeded", "FAILED": "failed", "TIMED_OUT": "timedOut", "ABORTED": "aborted"}
"""The counter of children that have ended with a status."""


class Counters:
    """The counters of one Map Run; an item counts where its child does.

    Attributes
    ----------
    items, children
        As ``itemCounts`` and ``executionCounts`` have them.
    """

    def __init__(self) -> None:
        self.items = dict.fromkeys(NAMES, 0)
        self.children = dict.fromkeys(NAMES, 0)

    @property
    def failed_items(self) -> int:
        """The items that count against the tolerance."""
        return self.items["failed"] + self.items["timedOut"]

    def count_items(self, total: int) -> None:
        """Note how many items there are, before any is in a child."""
        self.items |= {"total": total, "pending": total}

    def count_children(self, number: int) -> None:
        """Note that there are inputs for further children."""
        self.children["total"] += number
        self.children["pending"] += number

    def move(self, items: int, before: str | None, after: str | None) -> None:
        """Count a child of so many items no longer in one counter, and in another."""
        for counts, number in ((self.items, items), (self.children, 1)):
            if before is not None:
                counts[before] -= number
            if after is not None:
                counts[after] += number

    def count_results(self) -> None:
        """Note that the result of each child that was started has been written."""
        for counts in (self.items, self.children):
            counts["resultsWritten"] = counts["total"] - counts["pending"]

    def close(self) -> None:
        """Note that the Map Run ends: nothing waits for its redrive."""
        for counts in (self.items, self.children):
            counts["pendingRedrive"] = 0
