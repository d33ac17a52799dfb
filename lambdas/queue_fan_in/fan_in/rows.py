"""The rows of a job's output: one JSON text a line, in files of a bounded size."""

from typing import IO, TYPE_CHECKING

# Lambda puts this folder, and not the project, on the path.
from results import Result  # type: ignore[import-not-found]

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

FILE_ROWS = 100_000
FILE_BYTES = 64 << 20
"""A file is full with the row that reaches one of these."""

STATUSES = {"result": "succeeded", "error": "failed", "missing": "missing"}


def output_prefix(job: str) -> str:
    """Give the folder of a job's output."""
    return f"jobs/{job}/"


def rows_key(job: str, number: int) -> str:
    """Give the key of a job's file of rows; the numbers count from 0."""
    return f"{output_prefix(job)}rows-{number:05d}.jsonl"


def write_row(item: str, result: Result, outcome: str) -> bytes:
    """Write a row, of the item's and the outcome's own texts."""
    field = f',"{result.kind}":{outcome}' if outcome else ""
    status = STATUSES[result.kind]
    row = (
        f'{{"index":{result.position},"item":{item},"status":"{status}"{field},"attempts":{result.attempts}}}'
    )
    return f"{row}\n".encode()


class RowsFile:
    """A file of rows that is written to another file first, so that it takes no memory."""

    def __init__(self, file: IO[bytes]) -> None:
        self.rows = 0
        self._bytes = 0
        self._file = file

    def add(self, row: bytes) -> bool:
        """Write a row; say whether the file is full."""
        self._file.write(row)
        self.rows += 1
        self._bytes += len(row)
        return self.rows == FILE_ROWS or self._bytes >= FILE_BYTES

    def upload(self, s3: "S3Client", bucket: str, key: str) -> None:
        """Put the rows into an object, and begin with none again."""
        self._file.seek(0)
        s3.put_object(Bucket=bucket, Key=key, Body=self._file, ContentType="application/jsonl")
        self._file.seek(0)
        self._file.truncate()
        self.rows = self._bytes = 0
