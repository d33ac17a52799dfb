"""The order of the rows, in memory that does not grow; files that are read in blocks; Ctrl-C."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from botocore.exceptions import ReadTimeoutError, ResponseStreamingError
from result_builder import RESULTS

from utils.command import CommandError
from utils.rows import result_files, sorting
from utils.rows.json_text import elements, members, objects_of
from utils.rows.result_files import ResultFile, read_lines
from utils.rows.row import Row
from utils.rows.sorting import SortedRows

PROJECT_ROOT = Path(__file__).parents[2]
MIB = 1 << 20


def row(index, status="succeeded"):
    return Row(index, f'{{"id": {index}, "name": "數"}}', status, '"done"', 1)


@pytest.mark.parametrize("chunk_bytes", [1, 700, 20_000, MIB])
def test_rows_come_by_index_however_small_the_memory(chunk_bytes):
    indexes = random.Random(3).sample(range(500), 500)
    with SortedRows(chunk_bytes) as rows:
        for index in indexes:
            rows.add(row(index), "2026-03-02T09:00:00")

        assert list(rows) == [row(index) for index in range(500)]


@pytest.mark.parametrize("chunk_bytes", [1, MIB])
@pytest.mark.parametrize("order", [1, -1])
def test_of_an_index_the_row_that_ended_last_is_kept(chunk_bytes, order):
    given = [
        (row(0, "pending"), ""),
        (row(0, "failed"), "2026-03-02T09:00:00"),
        (row(0), "2026-03-02T09:00:00.5"),
        (row(1), "2026-03-02T08:00:00"),
    ]
    with SortedRows(chunk_bytes) as rows:
        for added, ended in given[::order]:
            rows.add(added, ended)

        assert list(rows) == [row(0), row(1)]


def test_rows_without_a_result_or_attempts_come_back_so():
    given = [
        Row(0, "null", "pending", None, None),
        Row(1, "null", "pending", None, 0),
        Row(2, "null", "pending", None, None, "queue"),
    ]
    with SortedRows(1) as rows:
        for added in given:
            rows.add(added, "")

        assert list(rows) == given


def peak_bytes(count):
    tracemalloc.start()
    with SortedRows(MIB // 2) as rows:
        for place in range(count):
            rows.add(row(place * 7919 % count), "2026-03-02T09:00:00")
        assert sum(1 for _ in rows) == count
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_rows():
    # Given lists that are both larger than what is sorted in memory
    small, large = peak_bytes(10_000), peak_bytes(40_000)

    assert small < 2 * MIB
    assert large <= 1.3 * small


def test_a_folder_of_temporary_files_that_cannot_be_used_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "absent"))

    with pytest.raises(CommandError) as caught:
        SortedRows()

    assert str(caught.value) == (
        f"{tmp_path}/absent: temporary files cannot be written: No such file or directory: "
        "make room, or set TMPDIR to another folder"
    )


def test_a_full_disk_is_one_line(monkeypatch):
    monkeypatch.setattr(sorting.tempfile, "TemporaryFile", lambda: open("/dev/full", "r+b"))  # noqa: PTH123, SIM115

    with (
        pytest.raises(CommandError, match="temporary files cannot be written: No space left on device"),
        SortedRows(1) as rows,
    ):
        rows.add(row(0), "")


class Bucket:
    """Gives ranges of one object; ``faults`` come first, one a request."""

    def __init__(self, body, faults=()):
        self._body = body
        self._faults = list(faults)

    def get_object(self, *, Bucket, Key, Range):  # noqa: N803 - boto3's names
        assert (Bucket, Key) == (RESULTS, "key")
        start, end = map(int, Range.removeprefix("bytes=").split("-"))
        self._block = self._body[start : end + 1]
        return {"Body": self}

    def read(self):
        if self._faults:
            raise self._faults.pop(0)
        return self._block


@pytest.mark.parametrize("block_bytes", [1, 2, 3, 7, 100])
@pytest.mark.parametrize(
    ("body", "lines"),
    [
        (b"", []),
        (b"\n\n", []),
        (b"one", [b"one"]),
        (b"one\n", [b"one"]),
        (b"one\n\ntwo three\nfour", [b"one", b"two three", b"four"]),
    ],
)
def test_a_file_is_read_by_line_whatever_the_blocks(monkeypatch, block_bytes, body, lines):
    monkeypatch.setattr(result_files, "BLOCK_BYTES", block_bytes)
    read = []

    assert list(read_lines(Bucket(body), ResultFile(RESULTS, "key", len(body)), read.append)) == lines
    assert sum(read) == len(body)


FAULTS = [ReadTimeoutError(endpoint_url="https://s3"), ResponseStreamingError(error="reset")]


def test_a_connection_that_breaks_is_tried_again(monkeypatch):
    monkeypatch.setattr(result_files, "PAUSE_SECONDS", 0)

    assert list(read_lines(Bucket(b"a\nb", FAULTS), ResultFile(RESULTS, "key", 3), int)) == [b"a", b"b"]


def test_a_connection_that_stays_broken_is_one_line(monkeypatch):
    monkeypatch.setattr(result_files, "PAUSE_SECONDS", 0)
    bucket = Bucket(b"a", FAULTS * 2)

    with pytest.raises(CommandError, match=rf"^reading s3://{RESULTS}/key: AWS does not answer") as caught:
        list(read_lines(bucket, ResultFile(RESULTS, "key", 1), int))

    assert "\n" not in str(caught.value)


def test_json_is_taken_apart_as_it_is():
    text = '{"a" : 1.50 ,"b":[1 , {"c":"\\u00e9 \\" }"}] , "d\\"":"x", "e":-0,"f":{} }'

    assert members(text) == {
        "a": "1.50",
        "b": '[1 , {"c":"\\u00e9 \\" }"}]',
        'd\\"': '"x"',
        "e": "-0",
        "f": "{}",
    }
    assert elements(members(text)["b"]) == ["1", '{"c":"\\u00e9 \\" }"}']
    assert elements(" [ ] ") == []
    assert objects_of('{"x": {"y": [1]}, "y": [{"z": 1}, { }]}', "y") == [{"z": "1"}, {}]


@pytest.mark.parametrize("text", ["", "[", "1", '{"a"}', '{"a":}', '{"a":1', '{"a":1 "b":2}', '{"a":"\n"}'])
def test_what_is_no_object_is_refused(text):
    with pytest.raises(ValueError, match=r"not the JSON|Expecting|Invalid"):
        members(text)


INTERRUPTED = """\
import signal, sys, time
for name in ("SIGTERM", "SIGHUP"):
    signal.signal(getattr(signal, name), signal.SIG_DFL)
sys.path[:0] = ["tests/unit", "."]
import botocore.exceptions, result_builder
from utils import results
from utils.command import run_command

class Bucket:
    def get_object(self, *, Bucket, Key, Range=None):
        self.manifest = Range is None
        return {"Body": self}
    def read(self):
        if self.manifest:
            return b'{"ResultFiles": {"SUCCEEDED": [{"Key": "k", "Size": 9}], "FAILED": [], "PENDING": []}}'
        print("reading", flush=True)
        time.sleep(60)
    class exceptions:
        NoSuchKey = KeyError

results.open_session = lambda *_: result_builder.Session(result_builder.States(total=1), Bucket())
run_command(lambda: results.main([result_builder.EXECUTION, "--out", sys.argv[1]]))
"""


@pytest.mark.parametrize(
    ("suffix", "number", "code", "line"),
    [
        ("jsonl", signal.SIGINT, 130, "interrupted\n"),
        ("csv", signal.SIGINT, 130, "interrupted\n"),
        ("csv", signal.SIGTERM, 143, "ended by a signal\n"),
        ("jsonl", signal.SIGHUP, 129, "ended by a signal\n"),
    ],
)
def test_a_signal_leaves_no_temporary_and_no_half_written_file(tmp_path, suffix, number, code, line):
    # Given a command that is in the middle of its work, over an older file
    out, temporary = tmp_path / "out" / f"rows.{suffix}", tmp_path / "temporary"
    for folder in (out.parent, temporary):
        folder.mkdir()
    out.write_text("older")
    command = subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, out],
        cwd=PROJECT_ROOT,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with command:
        assert command.stdout.readline() == "reading\n"
        assert len(list(out.parent.iterdir())) == 2

        # When the user presses Ctrl-C, or somebody ends the command
        command.send_signal(number)
        _, said = command.communicate(timeout=30)

    assert (command.returncode, said) == (code, line)
    assert [(file, file.read_text()) for file in out.parent.iterdir()] == [(out, "older")]
    assert list(temporary.iterdir()) == []
