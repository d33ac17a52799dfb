"""Jobs that are past their deadline, or that nobody works on any more: each gets to its end."""

import pytest
from fan_in_folder import LISTS, Clock, fan_in_aws, load_fan_in

SOURCE = {"bucket": LISTS, "key": "lists/list.jsonl", "versionId": "v1", "format": "jsonl"}
JOB = "list-0123456789ab"
LONG_AGO = 121


class Overdue:
    """The function that looks after jobs, over moto."""

    def __init__(self, modules, table):
        self.modules = modules
        self.clock = Clock()
        self.jobs = modules.jobs.Jobs(table, self.clock)
        self.jobs.record(JOB, SOURCE, 3600.0)

    def look(self):
        """Look after the jobs; returns how many are overdue, and what is due."""
        due = []
        count = self.modules.overdue.look_after_jobs(
            self.jobs, lambda job, phase: due.append((job, phase)), self.clock.now
        )
        return count, due


@pytest.fixture
def overdue():
    with fan_in_aws() as aws, load_fan_in("jobs", "overdue") as modules:
        yield Overdue(modules, aws.jobs_table)


def checked(overdue, phase="send", total=5):
    overdue.jobs.take_lease(JOB, "RUNNING").release(total=total, checkpoint={"phase": phase, "position": 0})


def test_a_job_in_time_is_left_alone(overdue):
    # Whether it is new, worked on, or waits for its items
    assert overdue.look() == (0, [])
    overdue.jobs.take_lease(JOB, "RUNNING")
    overdue.clock.sleep(49)
    assert overdue.look() == (0, [])
    overdue.clock.sleep(2)
    checked(overdue, "sent")
    overdue.clock.sleep(3000)
    assert overdue.look() == (0, [])


@pytest.mark.parametrize("phase", ["send", "sent"])
def test_a_checked_job_past_its_deadline_is_finished_with_what_is_there(overdue, phase):
    # Given
    checked(overdue, phase)
    overdue.clock.sleep(3601)
    # When
    assert overdue.look() == (1, [(JOB, "finish")])
    # Then
    job = overdue.jobs.read(JOB)
    assert (job.status, job.incomplete, job.error) == ("FINISHING", True, None)
    # And while that is at work nothing is said again
    overdue.jobs.take_lease(JOB, "FINISHING")
    assert overdue.look() == (1, [])


def test_who_splits_past_the_deadline_is_stopped(overdue):
    # Given
    checked(overdue)
    overdue.clock.sleep(3600)
    lease = overdue.jobs.take_lease(JOB, "RUNNING")
    overdue.clock.sleep(1)
    # When
    overdue.look()
    # Then
    with pytest.raises(overdue.modules.jobs.LeaseLostError):
        lease.save(sent=5)


@pytest.mark.parametrize("phase", ["check", "send"])
def test_splitting_that_was_left_alone_goes_on(overdue, phase):
    if phase == "send":
        checked(overdue)
    overdue.clock.sleep(LONG_AGO)
    assert overdue.look() == (0, [(JOB, "split")])
    # Until somebody does
    assert overdue.look() == (0, [(JOB, "split")])
    overdue.jobs.take_lease(JOB, "RUNNING")
    assert overdue.look() == (0, [])


def test_an_empty_job_that_was_left_alone_goes_on_to_its_finish(overdue):
    checked(overdue, "sent", total=0)
    overdue.clock.sleep(LONG_AGO)
    assert overdue.look() == (0, [(JOB, "split")])


def test_finishing_that_was_left_alone_goes_on(overdue):
    # Given
    checked(overdue, "sent")
    overdue.jobs.begin_finish(JOB)
    assert overdue.look() == (0, [])
    # When
    overdue.clock.sleep(LONG_AGO)
    # Then
    assert overdue.look() == (0, [(JOB, "finish")])
    assert not overdue.jobs.read(JOB).incomplete


def test_finishing_that_lacks_results_at_the_deadline_does_without_them(overdue):
    # Given
    checked(overdue, "sent")
    overdue.jobs.begin_finish(JOB)
    # When
    overdue.clock.sleep(3601)
    # Then
    assert overdue.look() == (1, [(JOB, "finish")])
    assert overdue.jobs.read(JOB).incomplete


def test_every_job_is_looked_after_and_ended_ones_are_not(overdue):
    # Given
    for number in range(5):
        overdue.jobs.record(f"{number}-0123456789ab", SOURCE, 10.0)
    overdue.jobs.begin_finish("3-0123456789ab")
    overdue.jobs.take_lease("3-0123456789ab", "FINISHING").end("DONE")
    # When
    overdue.clock.sleep(11)
    # Then
    count, due = overdue.look()
    assert count == 4
    assert sorted(due) == [(f"{number}-0123456789ab", "finish") for number in (0, 1, 2, 4)]
