"""The attempts at a state: Retry, Catch, and the events of failures that they see."""

from collections.abc import Awaitable, Callable
from typing import Any

from local.states import fan_out, wait
from local.states.errors import DATA_LIMIT_EXCEEDED, RUNTIME, PathError, StatesError
from local.states.expressions import EvaluationError, UnusableValueError
from local.states.paths import compact, utf8_bytes
from local.states.retry import Retriers, catcher_for
from local.states.step import Handed, Step

MAX_PAYLOAD_BYTES = 256 * 1024
"""Input or output of a state, in UTF-8 bytes of JSON (Step Functions quotas)."""


async def run(step: Step, handler: Callable[[Step], Awaitable[Handed]]) -> Handed:
    """Run a state's handler until it hands something on, or its error is not taken.

    Raises
    ------
    StatesError
        No retrier and no catcher takes the error.
    """
    retriers = Retriers(step.definition.get("Retry", []))
    while True:
        try:
            handed = await handler(step)
            _check_size(step.name, handed.output)
            return handed
        except PathError as failure:
            raise StatesError(RUNTIME, step.located(str(failure))) from failure
        except EvaluationError as failure:
            error: StatesError = _record_evaluation_failure(step, failure)
        except StatesError as failure:
            error = failure
        delay_seconds = retriers.delay_seconds(error)
        if delay_seconds is None:
            return _catch(step, error)
        await wait.sleep(delay_seconds)
        step.branch.progress.restart()
        step.branch.context["State"] = {
            **step.branch.context["State"],
            "RetryCount": step.branch.context["State"]["RetryCount"] + 1,
        }


def _catch(step: Step, error: StatesError) -> Handed:
    failed_event = fan_out.FAILED_EVENTS.get(step.definition["Type"])
    if failed_event is not None:
        step.branch.record(failed_event)
    catcher = catcher_for(step.definition.get("Catch", []), error)
    if catcher is None:
        raise error
    output, assigned = step.flow.caught(catcher, error)
    return Handed(output, assigned, catcher["Next"])


def _record_evaluation_failure(step: Step, failure: EvaluationError) -> StatesError:
    """Add EvaluationFailed; unless the state has done something, AWS points it back to what came before."""
    if step.branch.last_event_id == step.entered_event_id and not isinstance(failure, UnusableValueError):
        step.branch.last_event_id = step.previous_event_id
    error = StatesError(failure.name, step.located(str(failure.cause)))
    step.branch.record(
        "EvaluationFailed",
        {"error": error.name, "cause": error.cause, "location": failure.location, "state": step.name},
    )
    return error


def _check_size(name: str, output: Any) -> None:
    try:
        text = compact(output)
    except (TypeError, ValueError) as error:
        raise PathError(f"The output is not JSON: {error}") from error
    if utf8_bytes(text) > MAX_PAYLOAD_BYTES:
        raise StatesError(
            DATA_LIMIT_EXCEEDED,
            f"The state/task '{name}' returned a result with a size exceeding the maximum number of bytes "
            "service limit.",
        )
