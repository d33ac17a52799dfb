"""A step of an order that runs: a thread of which one runs at a time, and which stops before each call."""

import json
import threading

from awslambdaric.lambda_runtime_marshaller import to_json
from order_execution import FINAL
from order_steps import Lost, throttled

EXPECTED = {*FINAL, "Lambda.Unknown", "ClientError", "StockChangedError"}
"""What a step may end with."""


class Invocation(threading.Thread):
    """A function that runs; ``result`` or ``error`` is set when it has ended."""

    def __init__(self, schedule, handler, event, label):
        super().__init__(daemon=True)
        self.label = label
        self.result, self.error, self._raised = None, None, None
        self.event = event
        self._schedule, self._handler = schedule, handler
        self._go = threading.Semaphore(0)
        self._fault = None
        self.start()
        schedule.turn.acquire()
        self._check()

    @property
    def has_ended(self):
        return self.result is not None or self.error is not None

    def run(self):
        try:
            answer = self._handler(json.loads(to_json(self.event)), None)
            self.result = (json.loads(to_json(answer)),)
        except Lost:
            self.error = ("Lambda.Unknown", "")
        except Exception as error:
            self.error = (type(error).__name__, str(error))
            self._raised = error
        self._schedule.turn.release()

    def make(self, call, name):
        """Make a call when it is this invocation's turn, with the fault that is due."""
        self._schedule.turn.release()
        self._go.acquire()
        if self._fault == "throttled":
            raise throttled(name)
        if self._fault == "lost before":
            raise Lost
        try:
            return call()
        finally:
            if self._fault == "lost after":
                raise Lost

    def go_on(self, fault):
        """Let the next call be made, and run up to the one after it."""
        self._fault = fault
        self._go.release()
        self._schedule.turn.acquire()
        self._check()

    def _check(self):
        """Let what no step may raise end the test."""
        if self.has_ended:
            self._schedule.log.append(f"{self.label} {self.error or self.result[0]}")
        if self.error and self.error[0] not in EXPECTED:
            raise self._raised
