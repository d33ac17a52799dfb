"""A list as the command line gives it, and what checking it found."""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class GivenList:
    """A list as the command line gives it.

    Attributes
    ----------
    key
        Of the object that it becomes; None leaves that to the workflow.
    session_arguments
        Of the session, for the command lines that are shown.
    """

    path: Path
    list_format: str
    key: str | None
    config_path: Path
    session_arguments: tuple[str, ...]


@dataclass(frozen=True)
class ListReport:
    """What a checked list is: items, bytes of the file without a byte order mark, batches."""

    list_format: str
    items: int
    file_bytes: int
    sha256: str
    batches: int
    largest_index: int
    largest_bytes: int
    """Of the largest item as compact JSON in UTF-8; 0 without items."""
    warnings: tuple[str, ...]
    has_byte_order_mark: bool

    def lines(self) -> list[str]:
        """Show sizes: of the file and, if there is one, of the largest item."""
        largest = f"{self.largest_bytes:,} byte{'' if self.largest_bytes == 1 else 's'}"
        lines = [f"  file     {self.list_format}, {self.file_bytes:,} bytes"]
        return [*lines, f"  largest  item [{self.largest_index}], {largest}"][: 2 if self.items else 1]
