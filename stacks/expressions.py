"""What the JSONata expressions of all definitions are made of."""

import json


def jsonata(expression: str) -> str:
    """Mark a text as JSONata, as a field of a definition wants it."""
    return f"{{% {expression} %}}"


def literal(text: str) -> str:
    """Return a text as a JSONata literal, which is written like one of JSON."""
    return json.dumps(text, ensure_ascii=False)


def set_message(cause: str, *, max_characters: int) -> str:
    r"""Return the part of a block that sets ``$message`` to the message of a caught error of Lambda.

    The Cause of a Lambda error is usually a JSON text, sometimes cut at 32,768 characters; that of a throttle
    or a timeout is a plain sentence, or missing. So the message is matched, up to the first character that is
    no longer valid JSON, and only the match is parsed.

    Parameters
    ----------
    cause
        Expression for the Cause; its value may be missing.
    max_characters
        Length after which the message is cut.
    """
    # \x5c and \x2f are the backslash and the slash, which JSONata misreads inside a regex.
    pattern = (
        r'/"errorMessage"\s*:\s*"((?:[^"\x5c\x00-\x1f]|\x5c(?:["\x5c\x2fbfnrt]|u[0-9a-fA-F]{4}))'
        rf"{{0,{max_characters}}})/"
    )
    return (
        f'$cause := {cause} & ""; '
        f"$text := $match($cause, {pattern}, 1).groups[0]; "
        '$message := $exists($text) ? $parse("\\"" & $text & "\\"") '
        f": $substring($cause, 0, {max_characters})"
    )
