"""The rows of a job: which there are, where they go, what is said if there are none."""

import csv
import json

import pytest
from job_builder import JOB, RESULTS, ended, put, put_rows, record, row, simulate_aws, summary

from utils.command import CommandError
from utils.results import main


@pytest.fixture
def aws():
    with simulate_aws() as aws:
        yield aws


def put_job(aws, *files, status="INCOMPLETE"):
    """Leave an ended job with these files of rows."""
    counts = [each["status"] for rows in files for each in rows]
    figures = {name: counts.count(name) for name in ("succeeded", "failed", "missing")}
    put(aws.table, ended(status, summary(**figures, rows=len(files))))
    put_rows(aws.s3, *files)


MIXED = [row(0), row(1, "failed"), row(2, "missing"), row(3)]


def test_the_rows_of_all_files_come_in_order(aws, capsys):
    put_job(aws, MIXED[:2], MIXED[2:])
    main([JOB, "--out", "-"])
    shown = capsys.readouterr()
    assert [json.loads(line) for line in shown.out.splitlines()] == MIXED
    assert shown.err == "4 items: 2 succeeded, 1 failed, 1 missing\n"


def test_many_files_come_in_the_order_of_the_summary(aws, capsys):
    put_job(aws, *([row(index)] for index in range(12)), status="DONE")
    main([JOB, "--out", "-"])
    assert [json.loads(line)["index"] for line in capsys.readouterr().out.splitlines()] == list(range(12))


def test_values_stay_as_they_were_written(aws, tmp_path):
    # Given a number that a float would round, and a text with half of a surrogate pair and a tab
    put_job(aws, [row(0)], status="DONE")
    line = (
        '{"index":0,"item":{"n":0.1000000000000000000001},"status":"succeeded",'
        '"result":["\\ud800\\t",1E400],"attempts":2}\n'
    )
    aws.s3.put_object(Bucket=RESULTS, Key=f"jobs/{JOB}/rows-00000.jsonl", Body=line.encode())
    main([JOB, "--out", str(tmp_path / "rows.jsonl")])
    assert (tmp_path / "rows.jsonl").read_text() == (
        '{"index": 0, "item": {"n":0.1000000000000000000001}, "status": "succeeded", '
        '"result": ["\\ud800\\t",1E400], "attempts": 2}\n'
    )


def test_rows_as_csv_have_the_error_and_leave_missing_ones_empty(aws, tmp_path, capsys):
    put_job(aws, MIXED)
    out = tmp_path / "rows.csv"
    main([JOB, "--out", str(out)])
    assert capsys.readouterr().out == f"wrote {out} (4 items: 2 succeeded, 1 failed, 1 missing)\n"
    with out.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(each["status"], each["result"], each["error_name"], each["attempts"]) for each in rows] == [
        ("succeeded", '{"of": 0}', "", "1"),
        ("failed", "", "ValueError", "3"),
        ("missing", "", "", "0"),
        ("succeeded", '{"of": 3}', "", "1"),
    ]


def test_the_table_shows_what_is_missing_between_the_first_and_the_last(aws, capsys):
    put_job(aws, [row(index, "missing" if index == 50 else "succeeded") for index in range(100)])
    main([JOB])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines if " missing" in line] == ["50", "100"]
    assert lines[-1] == "100 items: 99 succeeded, 1 missing"


def test_an_empty_list_has_no_rows(aws, capsys):
    put_job(aws, [], status="DONE")
    main([JOB])
    assert capsys.readouterr().out == "the list was empty: no items\n"


def test_rows_that_a_changed_file_lacks_are_noted(aws, capsys):
    put_job(aws, MIXED)
    put_rows(aws.s3, MIXED[:3])
    main([JOB])
    assert capsys.readouterr().err == (
        "note: 1 item of 4 left no result: the files of its results do not hold them, "
        "so these were changed after it: restore them\n"
    )


def error_of():
    with pytest.raises(CommandError) as caught:
        main([JOB])
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("stored", "line"),
    [
        (None, f"there is no job {JOB}: check its name, --profile and --region; a job is forgotten after"),
        (
            record(),
            f"job {JOB} is still running: wait for its end, or watch it with `python utils/job.py {JOB}`",
        ),
        (record("FINISHING", total=5), f"job {JOB} is still running: "),
        (
            record("FAILED", error={"name": "ListInvalid", "message": "line 3: item [2] is not JSON"}),
            f"job {JOB} has no rows, it ended FAILED: ListInvalid: line 3: item [2] is not JSON",
        ),
    ],
)
def test_a_job_without_rows_is_one_line(aws, stored, line):
    if stored:
        put(aws.table, stored)
    assert error_of().startswith(line)


def test_rows_that_have_expired_are_named(aws):
    # Given a job of two files, of which the bucket has one still
    put_job(aws, MIXED[:2], MIXED[2:])
    aws.s3.delete_object(Bucket=RESULTS, Key=f"jobs/{JOB}/rows-00001.jsonl")
    assert error_of() == (
        f"s3://{RESULTS}/jobs/{JOB}/rows-00001.jsonl: does not exist: the rows were deleted, by hand or by "
        "the bucket's lifecycle; drop the list again with "
        "`python utils/load-s3.py --workflow queueFanIn --file FILE`"
    )


def test_a_bucket_that_is_gone_is_named(aws):
    put(aws.table, ended())
    aws.s3.delete_bucket(Bucket=RESULTS)
    assert error_of().startswith(f"bucket {RESULTS} of the results does not exist: its stack was deleted")


@pytest.mark.parametrize(
    "line",
    [
        b"[",
        b"[1]",
        b"{}",
        b"\xff",
        json.dumps(row(0) | {"status": "pending"}).encode(),
        json.dumps(row(0) | {"index": "a"}).encode(),
        json.dumps({"index": 0, "item": 1, "status": "failed", "attempts": 1}).encode(),
        json.dumps({"index": 0, "item": 1, "status": "succeeded", "result": 1}).encode(),
    ],
)
def test_a_line_that_is_no_row_is_named(aws, line):
    put_job(aws, MIXED)
    key = f"jobs/{JOB}/rows-00000.jsonl"
    aws.s3.put_object(Bucket=RESULTS, Key=key, Body=json.dumps(row(0)).encode() + b"\n" + line + b"\n")
    assert error_of().startswith(f"s3://{RESULTS}/{key}:2: is no row of a job (")
