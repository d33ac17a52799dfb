"""What a list in a file says of the work: how many items, how large, how many are marked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from utils.command import CommandError
from utils.list_check import compact_bytes
from utils.list_file import ListError
from utils.list_stream import FORMATS, read_items
from utils.list_text import ListText


@dataclass(frozen=True)
class ListSizes:
    """A list's figures; bytes as compact JSON in UTF-8."""

    items: int
    item_bytes: float
    largest_bytes: int
    marked_share: float


def measure_list(path: Path, throttled_field: str) -> ListSizes:
    """Read a list once.

    Parameters
    ----------
    path
        A file of JSON, JSON Lines or CSV; its suffix says which.
    throttled_field
        The field that marks an item for the queue.

    Raises
    ------
    CommandError
        The file is no list that can be read, or has no items.
    """
    list_format = FORMATS.get(path.suffix.lower())
    if list_format is None:
        raise CommandError(f"{path}: the name of a list ends with {', '.join(FORMATS)}")
    items = total = largest = marked = 0
    try:
        with path.open("rb") as file:
            for _, item in read_items(ListText(str(path), file), list_format):
                size = compact_bytes(item)
                items, total, largest = items + 1, total + size, max(largest, size)
                marked += is_marked(item, throttled_field)
    except OSError as error:
        raise CommandError(f"{path}: cannot be read: {error.strerror}") from error
    except ListError as error:
        raise CommandError(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise CommandError(f"{path}: item [{items}] cannot be written as JSON") from error
    if not items:
        raise CommandError(f"{path}: the list is empty: there is nothing to estimate")
    return ListSizes(items, total / items, largest, marked / items)


def is_marked(item: object, field: str) -> bool:
    """Whether `throttledMap` sends an item through its queue."""
    return isinstance(item, Mapping) and str(item.get(field)).lower() == "true"
