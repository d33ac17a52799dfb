"""The record of a job: made once, worked on by one at a time, ended once."""

import pytest
from fan_in_folder import LISTS, Clock, fan_in_aws, load_fan_in

NAME = "list-0123456789ab"
SOURCE = {"bucket": LISTS, "key": "lists/list.jsonl", "versionId": "v1", "format": "jsonl"}


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def table():
    with fan_in_aws() as aws:
        yield aws.jobs_table


@pytest.fixture
def module():
    with load_fan_in("jobs") as modules:
        yield modules.jobs


@pytest.fixture
def jobs(module, table, clock):
    jobs = module.Jobs(table, clock)
    assert jobs.record(NAME, SOURCE, 60.0)
    return jobs


def item(table):
    return table.get_item(Key={"job": NAME})["Item"]


def test_a_new_job_says_when_it_began_and_until_when_it_lasts(jobs, table):
    assert item(table) == {
        "job": NAME,
        "kind": "job",
        **SOURCE,
        "status": "RUNNING",
        "startedAt": "2027-01-15T08:00:00.000Z",
        "deadline": 1_800_000_060,
        "sent": 0,
        "checkpoint": {"phase": "check"},
        "incomplete": False,
        "leaseUntil": 1_800_000_000,
        "open": "yes",
        "expiresAt": 1_800_000_060 + 30 * 86_400,
    }
    assert jobs.read(NAME).results_expire_at == 1_800_000_060 + 7 * 86_400


def test_the_same_job_is_not_recorded_again(jobs, table, clock):
    before = item(table)
    clock.sleep(5)
    assert not jobs.record(NAME, SOURCE, 60.0)
    assert item(table) == before


def test_a_job_that_is_unknown_is_none(jobs):
    assert jobs.read("other-0123456789ab") is None
    assert jobs.take_lease("other-0123456789ab", "RUNNING") is None
    assert not jobs.begin_finish("other-0123456789ab")


def test_a_lease_has_one_holder(jobs, module, clock):
    # Given
    lease = jobs.take_lease(NAME, "RUNNING")
    # Then nobody else gets it, also while it is renewed
    for _ in range(3):
        assert jobs.take_lease(NAME, "RUNNING") is None
        clock.sleep(module.LEASE_SECONDS - 1)
        lease.save(sent=1)
    # When it is not renewed
    clock.sleep(module.LEASE_SECONDS)
    successor = jobs.take_lease(NAME, "RUNNING")
    # Then the first holder cannot write any more, and does not overwrite
    successor.save(sent=7)
    for write in (lambda: lease.save(sent=2), lambda: lease.release(sent=2), lambda: lease.end("DONE")):
        with pytest.raises(module.LeaseLostError):
            write()
    assert jobs.read(NAME).sent == 7


def test_a_lease_is_due_well_before_it_ends(jobs, module, clock):
    lease = jobs.take_lease(NAME, "RUNNING")
    assert not lease.is_due()
    clock.sleep(module.LEASE_SECONDS / 3)
    assert lease.is_due()
    lease.save()
    assert not lease.is_due()


def test_a_released_lease_is_free_at_once(jobs):
    lease = jobs.take_lease(NAME, "RUNNING")
    checkpoint = {"phase": "check", "offset": 12, "position": 3, "line": 3, "header": ["a", ""]}
    lease.release(checkpoint=checkpoint)
    assert jobs.take_lease(NAME, "RUNNING").job.checkpoint == checkpoint


def test_a_lease_is_of_a_status(jobs):
    assert jobs.take_lease(NAME, "FINISHING") is None
    assert jobs.begin_finish(NAME)
    assert jobs.take_lease(NAME, "RUNNING") is None
    assert jobs.take_lease(NAME, "FINISHING").job.status == "FINISHING"


def test_finishing_takes_the_lease_from_who_splits(jobs, module):
    # Given
    splitting = jobs.take_lease(NAME, "RUNNING")
    # When
    assert jobs.begin_finish(NAME, incomplete=True)
    # Then
    with pytest.raises(module.LeaseLostError):
        splitting.save(sent=1)
    assert jobs.take_lease(NAME, "FINISHING").job.incomplete


def test_finishing_begins_again_until_the_job_has_ended(jobs, table):
    assert jobs.begin_finish(NAME)
    assert jobs.begin_finish(NAME)
    assert not jobs.read(NAME).incomplete
    assert jobs.begin_finish(NAME, incomplete=True)
    assert jobs.read(NAME).incomplete
    jobs.take_lease(NAME, "FINISHING").end("DONE", endedAt="now")
    before = item(table)
    assert not jobs.begin_finish(NAME)
    assert not jobs.begin_finish(NAME, incomplete=True, error={"name": "X", "message": "y"})
    assert item(table) == before


def test_an_ended_job_is_open_no_more(jobs, table):
    # Given
    jobs.begin_finish(NAME, error={"name": "ListInvalid", "message": "line 1"})
    lease = jobs.take_lease(NAME, "FINISHING")
    assert lease.job.error == {"name": "ListInvalid", "message": "line 1"}
    assert [job.name for job in jobs.open_jobs()] == [NAME]
    # When
    lease.end("FAILED", endedAt="2027-01-15T08:00:01.000Z")
    # Then
    ended = item(table)
    assert (ended["status"], ended["endedAt"]) == ("FAILED", "2027-01-15T08:00:01.000Z")
    assert not {"open", "leaseOwner", "leaseUntil"} & set(ended)
    assert list(jobs.open_jobs()) == []
    assert jobs.take_lease(NAME, "FINISHING") is None


def test_open_jobs_are_read_over_pages(jobs, module, table, clock, monkeypatch):
    # Given more jobs than a page of the index
    for number in range(30):
        jobs.record(f"{number}-0123456789ab", SOURCE, 600.0 - number)
    query = table.query
    monkeypatch.setattr(table, "query", lambda **arguments: query(**arguments, Limit=7))
    # Then all of them come, the next deadline first
    found = list(module.Jobs(table, clock).open_jobs())
    assert len(found) == 31
    assert [job.deadline for job in found] == sorted(job.deadline for job in found)
