"""When to read the service again: later while nothing happens or it throttles, never if it keeps failing."""

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as BotoConnectionError

SHORTEST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 3.0
LONGEST_BACKOFF_SECONDS = 20.0
MAX_FAILED_READS = 5
"""Reads in a row that may fail for the network, a fault of the service, or something not visible yet."""

THROTTLED = {
    "ThrottlingException",
    "Throttling",
    "TooManyRequestsException",
    "RequestLimitExceeded",
    "ProvisionedThroughputExceededException",
}
SERVICE_FAULTS = {"InternalError", "InternalFailure", "InternalServerError", "ServiceUnavailable"}
NOT_VISIBLE_YET = {"ExecutionDoesNotExist", "ResourceNotFound"}

READ_ERRORS = (ClientError, BotoConnectionError, HTTPClientError)
"""What a read raises that a later one may not."""


class Patience:
    """Decides, read by read, how long to pause and whether to go on after a failure.

    Attributes
    ----------
    pause_seconds
        Before the next read.
    """

    def __init__(self) -> None:
        self.pause_seconds = SHORTEST_PAUSE_SECONDS
        self._failed_reads = 0

    def after_read(self, *, anything_new: bool) -> None:
        """Note a read that succeeded."""
        self._failed_reads = 0
        quiet_seconds = min(LONGEST_PAUSE_SECONDS, 1.5 * self.pause_seconds)
        self.pause_seconds = SHORTEST_PAUSE_SECONDS if anything_new else quiet_seconds

    def lasts(self, error: Exception, *, known: bool) -> bool:
        """Note a read that failed; returns whether to try again.

        Parameters
        ----------
        error
            One of `READ_ERRORS`.
        known
            Whether what is read is known to exist; if not, only throttling is waited out.
        """
        self.pause_seconds = min(LONGEST_BACKOFF_SECONDS, 2 * self.pause_seconds)
        code = error_code(error)
        if code in THROTTLED:
            return True
        self._failed_reads += 1
        passing = not isinstance(error, ClientError) or code in SERVICE_FAULTS | NOT_VISIBLE_YET
        return known and passing and self._failed_reads <= MAX_FAILED_READS


def error_code(error: Exception) -> str:
    """Get the code of an error that AWS answered with; empty for any other."""
    return error.response["Error"].get("Code", "") if isinstance(error, ClientError) else ""
