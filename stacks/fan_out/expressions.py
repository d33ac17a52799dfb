"""The JSONata expressions of the fan-out definition.

Each is an expression without its ``{% %}``. JSONata makes a list of one item that it *builds* into the item
itself, and has no way to catch an error; so lists are only passed on, never built, and no expression here
can fail. The tests evaluate each against lists of one item, nested and empty lists, null, missing fields
and cut texts.
"""

from stacks.config import LIST_ATTRIBUTE
from stacks.expressions import set_message

MAX_MESSAGE_CHARACTERS = 1000
"""How much of a handler's message is kept: results of 256 KiB must hold many. The history has it whole."""

# An input that is no object is treated as a list given wrongly, so that it is refused rather than ignored.
# Only an object is asked for its items: of an array, JSONata would gather those of all its elements.
LIST_IS_GIVEN = '$type($states.input) != "object" or $exists($states.input.items)'
GIVEN_LIST = (
    '{"found": true, "items": $type($states.input) = "object" ? $states.input.items, "encoding": "json"}'
)
READ_LIST = (
    '{"found": $type($states.result.Item) = "object", '
    f'"items": $states.result.Item.{LIST_ATTRIBUTE}.L, "encoding": "dynamodb"}}'
)
LIST_NOT_FOUND = "$not($states.input.found)"
LIST_IS_ARRAY = '$type($states.input.items) = "array"'

CAUGHT_ERROR = '{"index": $states.input.index, "error": $states.errorOutput}'

_SET_MESSAGE = set_message("$states.input.error.Cause", max_characters=MAX_MESSAGE_CHARACTERS)
FAILED_ITEM = (
    f'({_SET_MESSAGE}; {{"index": $states.input.index, "status": "failed", '
    '"error": {"name": $states.input.error.Error & "", "message": $message}})'
)
FAILURE_NAME = '$states.input.error.Error & ""'
FAILURE_CAUSE = (
    f'({_SET_MESSAGE}; "Item at index " & $states.input.index & " failed" & '
    '($message = "" ? "" : ": " & $message))'
)
