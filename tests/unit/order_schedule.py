"""Runs executions side by side, a call at a time, in an order and with faults that a test chooses."""

import threading
from dataclasses import dataclass, field
from typing import Any

from order_execution import FINAL, Fork, Step, StepFailed
from order_invocation import Invocation

FAULTS = ("throttled", "lost before", "lost after", "timed out", "timed out")
"""The last lets the state go on without the function, whose work then comes late: the most telling."""

TURNS_UNTIL_START = 30
"""About so many turns after it was asked for, an execution starts."""

MAX_REDRIVES = 30


@dataclass(eq=False)
class Branch:
    """A part of an execution: what it waits for, and who waits for it."""

    execution: str
    generator: Any
    parent: "Branch | None" = None
    step: Step | None = None
    attempt: int = 0
    invocation: Invocation | None = None
    children: list["Branch"] = field(default_factory=list)
    result: Any = None


class Schedule:
    """What runs at the moment; ``log`` says what has been.

    Parameters
    ----------
    handlers
        Functions by name.
    choose
        Returns one of a list.
    next_fault
        Returns what becomes of the next call; None lets it be made.
    lateness
        In one of so many turns something that is late goes on, as long as something else can.
    """

    def __init__(self, handlers, choose, next_fault, lateness):
        self.turn = threading.Semaphore(0)
        self.log = []
        self._handlers, self._choose = handlers, choose
        self._next_fault, self._lateness = next_fault, lateness
        self._branches, self._late, self._waiting = [], [], []

    def start(self, execution, generator):
        """Start an execution."""
        self._advance(Branch(execution, generator))

    def start_later(self, execution, generator):
        """Start an execution while others run, or when they have ended."""
        self._waiting.append((execution, generator))

    def make(self, call, name):
        """Make a call of an invocation in its turn; one of the test itself at once."""
        thread = threading.current_thread()
        return thread.make(call, name) if isinstance(thread, Invocation) else call()

    def run(self):
        """Run until all executions and all late invocations have ended."""
        while self._branches or self._late or self._waiting:
            if self._late and self._is_due(self._lateness):
                self._run_late(self._choose(self._late))
            elif self._waiting and self._is_due(TURNS_UNTIL_START):
                self.start(*self._waiting.pop())
            else:
                self._run_branch(self._choose(self._branches))

    def _is_due(self, one_in):
        return not self._branches or self._choose(range(one_in)) == 0

    def _run_late(self, invocation):
        if not invocation.has_ended:
            invocation.go_on(None)
        if invocation.has_ended:
            self._late.remove(invocation)

    def _run_branch(self, branch):
        invocation = branch.invocation
        if not invocation.has_ended:
            fault = self._next_fault()
            if fault == "timed out":
                self._late.append(invocation)
                self.log.append(f"{invocation.label} timed out")
                self._retry(branch, "States.Timeout", "")
                return
            invocation.go_on(fault)
        if invocation.result:
            self._advance(branch, *invocation.result)
        elif invocation.error:
            self._retry(branch, *invocation.error)

    def _retry(self, branch, name, message):
        if branch in self._branches:
            self._branches.remove(branch)
        branch.attempt += 1
        attempts = branch.step.attempts or MAX_REDRIVES
        if name not in FINAL and branch.attempt < attempts:
            self._invoke(branch)
            return
        assert name in FINAL or branch.step.attempts, f"{branch.step.name} never succeeds: {name}: {message}"
        self._resume(branch, lambda: branch.generator.throw(StepFailed(name, message)))

    def _advance(self, branch, value=None):
        if branch in self._branches:
            self._branches.remove(branch)
        self._resume(branch, lambda: branch.generator.send(value))

    def _resume(self, branch, resume):
        """Let a generator go on to its next step or fork, or to its end."""
        try:
            wanted = resume()
        except StopIteration as end:
            self._end(branch, end.value)
            return
        if isinstance(wanted, Fork):
            branch.children = [Branch(branch.execution, generator, branch) for generator in wanted.branches]
            for child in branch.children:
                self._advance(child)
        else:
            branch.step, branch.attempt = wanted, 0
            self._invoke(branch)

    def _invoke(self, branch):
        step, name = branch.step, branch.execution
        label = f"{name}: {step.name}, attempt {branch.attempt + 1}:"
        branch.invocation = Invocation(self, self._handlers[step.name], step.event, label)
        self._branches.append(branch)

    def _end(self, branch, result):
        if not branch.parent:
            self._end_late_checks(branch.execution)
        branch.result, branch.invocation = result, None
        parent = branch.parent
        if parent and all(child.result is not None for child in parent.children):
            self._advance(parent, [child.result for child in parent.children])

    def _end_late_checks(self, execution):
        """Kill what is left of the first step when its execution ends.

        A check that is later than that could take over an order that breaks meanwhile, for an execution that
        is no more. It would have to live longer than all other steps; Lambda ends it after a minute.
        """
        for late in [it for it in self._late if it.label.startswith(f"{execution}: check_order")]:
            self._late.remove(late)
            late.go_on("lost before")
