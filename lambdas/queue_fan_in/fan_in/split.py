"""Splits a list: checks all of it first, then sends its items to the queue, and goes on where it stopped.

Nothing is sent of a list that is not valid to its end. A checkpoint follows each stretch of items that is in
the queue as a whole; what was sent after the last one is sent again after a crash, and its results are
recorded once all the same.
"""

import hashlib
import logging
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import PurePosixPath

# Lambda puts this folder, and not the project, on the path.
from job_record import Job  # type: ignore[import-not-found]
from jobs import Jobs, Lease, LeaseLostError  # type: ignore[import-not-found]
from list_reader import START, ListNotFound, ListReader, read_list  # type: ignore[import-not-found]
from list_text import ListInvalid, ReadBytes  # type: ignore[import-not-found]
from messages import (  # type: ignore[import-not-found]
    MESSAGE_BYTES_LIMIT,
    MessageSender,
    is_surely_small,
    message_bytes,
    pack_messages,
)

STRETCH_ITEMS = 1000
STRETCH_CHARACTERS = 4 << 20
"""What is sent between two checkpoints, whichever comes first; the second bounds memory."""

MAX_MESSAGE_CHARACTERS = 2000
"""Of an error, in the job's record."""

MAX_STEM_CHARACTERS = 40
DIGEST_CHARACTERS = 12

logger = logging.getLogger(__name__)


def name_job(key: str, version_id: str) -> str:
    """Name the job over one version of an object: the same for the same event, whenever it comes."""
    stem = re.sub(r"[^A-Za-z0-9_-]", "", PurePosixPath(key).stem).lstrip("-")[:MAX_STEM_CHARACTERS]
    digest = hashlib.sha256(f"{key}\n{version_id}".encode()).hexdigest()[:DIGEST_CHARACTERS]
    return f"{stem or 'list'}-{digest}"


def record_job(jobs: Jobs, bucket: str, key: str, version_id: str, deadline_seconds: float) -> str:
    """Record the job over one version of an object, unless it is; returns its name."""
    name = name_job(key, version_id)
    list_format = PurePosixPath(key).suffix.removeprefix(".").lower()
    source = {"bucket": bucket, "key": key, "versionId": version_id, "format": list_format}
    if not jobs.record(name, source, deadline_seconds):
        logger.info("Job %s is known", name)
    return name


def split_list(  # noqa: PLR0913 - all but the first two are named
    jobs: Jobs,
    name: str,
    *,
    open_source: Callable[[Job], ReadBytes],
    sender: MessageSender,
    max_items: int,
    continue_job: Callable[[str, str], None],
    has_time: Callable[[], bool],
) -> None:
    """Check and send a job's list as long as there is time; who comes after goes on where this stops.

    Parameters
    ----------
    open_source
        Gives the bytes of the job's list.
    max_items
        Of a message.
    continue_job
        Called with the job and ``"split"`` or ``"finish"``, what is due next.
    has_time
        Asked before each stretch.
    """
    lease = jobs.take_lease(name, "RUNNING")
    if lease is None:
        logger.info("Job %s is worked on by another invocation, or has been split", name)
        return
    try:
        source = open_source(lease.job)
        if lease.job.checkpoint["phase"] == "check":
            _check(lease, source, has_time)
        if lease.job.checkpoint["phase"] == "send":
            _send(lease, source, sender, max_items, has_time)
        is_sent = lease.job.checkpoint["phase"] == "sent"
        lease.release()
        if not is_sent:
            continue_job(name, "split")
        elif lease.job.total == 0 and jobs.begin_finish(name):
            continue_job(name, "finish")
    except LeaseLostError as lost:
        logger.info("%s", lost)
    except (ListInvalid, ListNotFound) as error:
        logger.warning("Job %s fails: %s", name, error)
        if jobs.begin_finish(name, error=_describe(error)):
            continue_job(name, "finish")
    except Exception as error:
        # Who watches the job sees why it stands still; if that cannot be noted, the log has it all the same.
        with suppress(Exception):
            lease.note(splitFailure=_describe(error))
        raise


def _describe(error: Exception) -> dict[str, str]:
    return {"name": type(error).__name__, "message": str(error)[:MAX_MESSAGE_CHARACTERS]}


def _check(lease: Lease, source: ReadBytes, has_time: Callable[[], bool]) -> None:
    """Read the list to its end without sending anything, and count it."""
    job = lease.job
    reader, texts = _open_reader(job, source, checked=False)
    for position, text in enumerate(texts, job.checkpoint.get("position", 0)):
        if not is_surely_small(text):
            _check_size(job, position, text, reader)
        if position % STRETCH_ITEMS == 0:
            may_go_on = has_time()
            if lease.is_due() or not may_go_on:
                lease.save(checkpoint={"phase": "check", **reader.checkpoint()})
            if not may_go_on:
                return
    total = reader.checkpoint()["position"]
    lease.save(total=total, checkpoint={"phase": "send", **START})


def _check_size(job: Job, position: int, text: str, reader: ListReader) -> None:
    size = message_bytes(job, position, text)
    if size > MESSAGE_BYTES_LIMIT:
        raise reader.refusal(
            f"makes a message of {size:,} bytes, over the {MESSAGE_BYTES_LIMIT:,} of the queue: "
            "put it into S3 and its key into the list"
        )


def _send(
    lease: Lease, source: ReadBytes, sender: MessageSender, max_items: int, has_time: Callable[[], bool]
) -> None:
    """Send items from the checkpoint on."""
    job = lease.job
    reader, texts = _open_reader(job, source, checked=True)
    position = job.checkpoint["position"]
    for stretch in _stretches(texts):
        if not has_time():
            return
        sender.send(list(pack_messages(job, position, stretch, max_items)))
        position += len(stretch)
        phase = "sent" if position == job.total else "send"
        lease.save(checkpoint={"phase": phase, **reader.checkpoint()}, sent=position)
    if job.total == 0:
        lease.save(checkpoint={"phase": "sent", **START})


def _open_reader(job: Job, source: ReadBytes, *, checked: bool) -> tuple[ListReader, Iterator[str]]:
    start = {name: value for name, value in job.checkpoint.items() if name != "phase"} or START
    reader = read_list(source, job.format, start, checked=checked)
    return reader, iter(reader)


def _stretches(texts: Iterator[str]) -> Iterator[list[str]]:
    """Take so many items at a time that they may be sent again; none is read before it is asked for."""
    stretch: list[str] = []
    characters = 0
    for text in texts:
        stretch.append(text)
        characters += len(text)
        if len(stretch) == STRETCH_ITEMS or characters >= STRETCH_CHARACTERS:
            yield stretch
            stretch, characters = [], 0
    if stretch:
        yield stretch
