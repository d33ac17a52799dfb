"""The JSONata expressions of an order's definition.

Each is an expression without its ``{% %}``. An order's execution keeps what it knows in variables:

    $order      the order as it was checked: its lines have index, productName, quantity, amount …
    $outcomes   what became of each item, in their order
    $undo       the lines whose stock is released and whose price is refunded
    $failure    name and message of the error that undoes the whole order, or null
    $ending     how the order ends, and why, as the step Close Order wants it

JSONata makes a list of one item that it *builds* into the item itself, and an empty one into nothing; so each
list that is built stands in ``[ ]``. No expression here can fail.
"""

from stacks.expressions import literal, set_message

MAX_MESSAGE_CHARACTERS = 200
"""How much of an item's error is kept: the outcomes of all items must fit into 256 KiB."""
MAX_CAUSE_CHARACTERS = 4000
"""Of an error that ends the execution; OrderInvalid names everything that is wrong with an order."""

PAYLOAD = "$states.result.Payload"
IS_FAILED = 'status = "failed"'


def _error(max_characters: int) -> str:
    """Return the expression for the name and the message of a caught error of a function."""
    message = set_message("$states.errorOutput.Cause", max_characters=max_characters)
    return f'({message}; {{"name": $states.errorOutput.Error & "", "message": $message}})'


CAUGHT_ERROR = _error(MAX_CAUSE_CHARACTERS)
UNREADABLE_ORDER = '{"name": "OrderInvalid", "message": "the order is nested too deeply to be read"}'
"""As in lambdas/order_processing/order_steps/order.py, which reads what Lambda's runtime could read."""

ORDER = {"order": "$order"}
CHECK_ORDER = {"order": "$states.input", "execution": "$states.context.Execution.Id"}
CLOSED_BEFORE = "$exists($states.input.outcome)"
COMPENSATION_IS_OPEN = "$exists($states.input.compensation)"
NEW_ORDER = {"order": "$states.input.order", "outcomes": "[]", "undo": "[]", "failure": "null"}
BROKEN_ORDER = {
    "order": "$states.input.order",
    "outcomes": "$states.input.compensation.outcomes",
    "undo": "$states.input.compensation.items",
    "failure": "$states.input.compensation.failure",
}

IS_REFUSED = "$states.input.accepted = false"
REFUSED = '{"kind": "refused", "reason": $states.input.reason}'
IS_APPROVED = "$states.input.approved = true"
REJECTED = '{"kind": "rejected", "reason": $states.input.reason}'
DECISION = {"orderId": "$order.orderId", "decision": "$states.input"}

ITEM = {"orderId": "$order.orderId", "item": "$states.input.item"}
DELIVERY = {
    "order": "$order."
    '{"orderId": orderId, "deliveryAddress": deliveryAddress, "deliverySpeed": deliverySpeed}',
    "item": "$states.input.item",
}
_LINE = (
    '$states.input.item.{"index": index, "productName": productName, "quantity": quantity, "amount": amount}'
)
PACKAGE_ID = f"{PAYLOAD}.packageId"
SHIPPED_ITEM = f'$merge([{_LINE}, {{"packageId": $packageId, "trackingId": {PAYLOAD}.trackingId}}])'
CAUGHT_ITEM_ERROR = f'{{"item": $states.input.item, "error": {_error(MAX_MESSAGE_CHARACTERS)}}}'
FAILED_ITEM = f'$merge([{_LINE}, {{"status": "failed", "error": $states.input.error}}])'

FULFILLED = '{"kind": "fulfilled", "reason": null}'
ALL_FULFILLED = f"$not($exists($outcomes[{IS_FAILED}]))"
FAILED_LINES = f"($failed := $outcomes[{IS_FAILED}].index; [$order.items[index in $failed]])"
FIRST_FAILURE = (
    f"($item := $outcomes[{IS_FAILED}][0]; "
    '{"name": $item.error.name, "message": "Item at index " & $item.index & " (" & $item.productName & '
    '") failed" & ($item.error.message = "" ? "" : ": " & $item.error.message)})'
)

UNDO = {"orderId": "$order.orderId", "items": "$undo"}
COMPENSATED = f'$failure = null ? {FULFILLED} : {{"kind": "cancelled", "error": $failure}}'
COMPENSATION_FAILURE = {
    **UNDO,
    "execution": "$states.context.Execution.Id",
    "outcomes": "$outcomes",
    "failure": "$failure",
    "error": "$states.input",
}
COMPENSATION_FAILURE_CAUSE = (
    '$states.input.name & ": " & $states.input.message & '
    '". Once that is mended, start the same order again: it goes on with what is not undone"'
)

CLOSE_ORDER = {
    **ORDER,
    "outcomes": "$outcomes",
    "undone": "[$undo.index]",
    "ending": "$ending",
}
IS_UNDONE = "$failure != null"


def needs_approval(threshold: float) -> str:
    """Return the expression for whether an order waits until somebody approves it."""
    return f"$order.total > {threshold:.15g}"


def request_approval(timeout_seconds: int) -> dict[str, str]:
    """Return what the function gets that asks for the approval."""
    return {**ORDER, "token": "$states.context.Task.Token", "timeoutSeconds": str(timeout_seconds)}


def no_answer(hours: float) -> str:
    """Return the decision when nobody made one."""
    return f'{{"approved": false, "reason": {literal(f"no answer within {hours:g} hours")}, "by": null}}'


def without_message(outcome: str) -> str:
    """Return the expression for an outcome without what only the customer reads."""
    return f'$sift({outcome}, function($value, $key) {{ $not($key in ["subject", "message"]) }})'
