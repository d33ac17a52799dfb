"""The JSONata expressions of a batch of orders.

Each is an expression without its ``{% %}``. An order whose execution did not simply succeed has variables:

    $name       the execution's name
    $error      why it could not be started, or did not succeed
    $found      what the execution of that name is
    $pause      seconds until the next look at it

As in expressions.py a list that is built stands in ``[ ]``, and no expression can fail.
"""

from stacks.expressions import literal

MAX_MESSAGE_CHARACTERS = 200
"""How much of an order's error is kept: the outcomes of all orders must fit into 256 KiB."""
LONGEST_PAUSE_SECONDS = 900
"""Between two looks at an order that waits for its approval: each look is nine of the 25,000 events."""

LIST_IS_GIVEN = '$type($states.input) = "object" and $type($states.input.items) = "array"'

_VALUE = "$states.context.Map.Item.Value"
_IS_TYPED = '$states.input.encoding = "dynamodb"'


def _as_order(value: str) -> str:
    """Return the expression for an item of the list as an execution's input, which wants an object."""
    return f'($item := {value}; $type($item) = "object" ? $item : {{"order": $item}})'


GIVEN_ORDER = {
    "item": _as_order(_VALUE),
    "orderId": f'$type({_VALUE}) = "object" and $type({_VALUE}.orderId) = "string" ? {_VALUE}.orderId : null',
}
# The list of the table comes in DynamoDB's types. A list in a list loses its inner brackets here; no order
# has one.
_PLAIN = (
    "($plain := function($value) { "
    '$type($value) != "object" ? $value '
    ": $exists($value.M) ? $merge([$each($value.M, function($field, $name) { {$name: $plain($field)} })]) "
    ": $exists($value.L) ? [$map($value.L, function($element) { $plain($element) })] "
    ": $exists($value.N) ? $number($value.N) "
    ": $exists($value.S) ? $value.S "
    ": $exists($value.BOOL) ? $value.BOOL "
    ": $exists($value.NULL) ? null : $value }; "
    f"$plain({_VALUE}))"
)
_TYPED_ID = f'($id := {_VALUE}.M.orderId.S; $type($id) = "string" ? $id : null)'
GIVEN_OR_TABLE_ORDER = {
    "item": _as_order(f"{_IS_TYPED} ? {_PLAIN} : {_VALUE}"),
    "orderId": f"{_IS_TYPED} ? {_TYPED_ID} : ({GIVEN_ORDER['orderId']})",
}

# An id that is no name of an execution is wrong in an order, too, and its execution says so.
NAME = (
    "$states.input.orderId != null and $exists($match($states.input.orderId, /^[A-Za-z0-9_-]{1,64}$/)) "
    '? $states.input.orderId : "invalid-" & $hash($string($states.input.item), "SHA-256")'
)


def _succeeded(outcome: str) -> str:
    """Return the expression for the row of an order with an outcome."""
    result = f'{outcome}.{{"orderId": orderId, "status": status, "charged": charged}}'
    return (
        f'{{"index": $states.input.index, "orderId": $states.input.orderId, "status": "succeeded", '
        f'"result": {result}}}'
    )


RAN = _succeeded("$states.result.Output")
FOUND_OUTCOME = _succeeded("$found.outcome")
FAILED = (
    '{"index": $states.input.index, "orderId": $states.input.orderId, "status": "failed", "error": {'
    f'"name": $error.name, "message": $substring($error.message, 0, {MAX_MESSAGE_CHARACTERS})}}}}'
)

NOT_RUN = {
    "name": NAME,
    "error": '{"name": $states.errorOutput.Error & "", "message": $states.errorOutput.Cause & ""}',
    "pause": "1",
}
FOUND = {
    "found": '{"status": $states.result.Status, "isSame": $parse($states.result.Input) = $states.input.item, '
    '"outcome": $exists($states.result.Output) ? $parse($states.result.Output) : null, '
    '"error": $states.result.Error & "", "cause": $states.result.Cause & ""}'
}
IS_OTHER = "$not($found.isSame)"
CONFLICT = {
    "error": '{"name": "OrderConflict", "message": "Execution " & $name & '
    '" had another order under this id. If this one corrects it, start it by itself"}'
}
IS_RUNNING = '$found.status = "RUNNING"'
LONGER_PAUSE = {"pause": f"$min([$pause * 2, {LONGEST_PAUSE_SECONDS}])"}
IS_SUCCEEDED = '$found.status = "SUCCEEDED"'
NOT_SUCCEEDED = {
    "error": '$found.error = "" ? {"name": $found.status, "message": "Execution " & $name & '
    '" ended " & $found.status & "; redrive it"} : {"name": $found.error, "message": $found.cause}'
}

SUMMARY = (
    '($orders := $states.result; $failed := $orders[status = "failed"]; '
    '$succeeded := $orders[status = "succeeded"]; '
    '{"items": $count($orders), "succeeded": $count($succeeded), "failed": $count($failed), '
    '"errors": $exists($failed) ? $failed{error.name: $count($)} : {}, '
    '"statuses": $exists($succeeded) ? $succeeded{result.status: $count($)} : {}, '
    '"orders": $orders})'
)


def execution_arn(prefix: str) -> str:
    """Return the expression for the ARN of an order's execution, which ends in its name."""
    return f"{literal(prefix)} & $name"
