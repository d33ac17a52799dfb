"""Reads lists of JSON: one array, of which a window is kept, or one value a line."""

import json
from collections.abc import Iterator
from typing import Any, NoReturn

# Lambda puts this folder, and not the project, on the path.
from item_text import (  # type: ignore[import-not-found]
    CHECKING,
    LONG_CHARACTERS,
    PLAIN,
    refusal_reason,
    refuse_unfit,
    shorten,
)
from list_text import (  # type: ignore[import-not-found]
    Checkpoint,
    Lines,
    ListInvalid,
    ReadBytes,
    Window,
    invalid,
)


class JsonLines:
    """Reads one item a line; lines with nothing but white space are no items.

    Iterating gives the items' texts. It raises `ListInvalid`, unless ``checked``, where a line is not JSON.
    """

    def __init__(self, read: ReadBytes, checkpoint: Checkpoint, *, checked: bool) -> None:
        self._lines = Lines(read, checkpoint["offset"], checkpoint["line"])
        self._position = checkpoint["position"]
        self._checked = checked

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            text = line.strip(" \t\r")
            if not text:
                continue
            if not self._checked:
                self._check(text)
            self._position += 1
            yield text if len(text) <= LONG_CHARACTERS else shorten(text)

    def checkpoint(self) -> Checkpoint:
        """Say where to go on after the last item."""
        return {"offset": self._lines.offset, "position": self._position, "line": self._lines.line}

    def refusal(self, problem: str) -> ListInvalid:
        """Make the error about the last item."""
        return invalid(f"item [{self._position - 1}] {problem}", self._lines.line)

    def _check(self, text: str) -> None:
        name, line = f"item [{self._position}]", self._lines.line
        try:
            refuse_unfit(text, CHECKING.decode(text))
        except json.JSONDecodeError as error:
            hint = ": a JSON array is another format, .json" if self._position == 0 and text[0] == "[" else ""
            raise invalid(f"{name} is not JSON: {error.msg}{hint}", line) from error
        except (ValueError, RecursionError) as error:
            raise invalid(f"{name}: {refusal_reason(error)}", line) from error


class JsonArray:
    """Reads the items of one JSON array.

    Iterating gives the items' texts, on one line each. It raises `ListInvalid` where the text is something
    else; items are looked into unless ``checked``.
    """

    LONGEST_TOKEN = 16
    """Characters; a longer rest of a number, a word or an escape cannot be incomplete."""

    def __init__(self, read: ReadBytes, checkpoint: Checkpoint, *, checked: bool) -> None:
        self._window = Window(read, checkpoint["offset"], checkpoint["line"])
        self._position = checkpoint["position"]
        self._checked = checked
        self._decoder = PLAIN if checked else CHECKING

    def __iter__(self) -> Iterator[str]:
        window = self._window
        if self._position == 0:
            self._open()
        while (char := window.peek()) != "]":
            if self._position > 0:
                self._pass_comma(char)
            yield self._item()
        # The checkpoint of a list that was read to its end stays before the bracket.
        if not self._checked:
            window.at += 1
            if window.peek():
                self._refuse_rest()

    def checkpoint(self) -> Checkpoint:
        """Say where to go on after the last item."""
        offset, line = self._window.mark()
        return {"offset": offset, "position": self._position, "line": line}

    def refusal(self, problem: str) -> ListInvalid:
        """Make the error about the last item."""
        return self._error(f"item [{self._position - 1}] {problem}")

    def _open(self) -> None:
        char = self._window.peek()
        if char == "":
            raise invalid("is empty: a list of no items is []")
        if char != "[":
            value, self._window.at = self._decode("the content")
            if self._window.peek() in {"{", '"', "["}:
                self._refuse_rest()
            kind = "an object" if isinstance(value, dict) else "one value"
            raise invalid(f"holds {kind}, not an array: put the items in [ and ]")
        self._window.at += 1

    def _pass_comma(self, char: str) -> None:
        if char != ",":
            last = f"item [{self._position - 1}]"
            raise self._error(
                f"is not JSON: expecting ',' or ']' after {last}"
                if char
                else f"the object ends after {last} without the ] of the list"
            )
        self._window.at += 1
        self._window.peek()

    def _item(self) -> str:
        name = f"item [{self._position}]"
        item, end = self._decode(name)
        text: str = self._window.text[self._window.at : end]
        if not self._checked:
            try:
                refuse_unfit(text, item)
            except (ValueError, RecursionError) as error:
                raise self._error(f"{name}: {refusal_reason(error)}") from error
        self._window.at = end
        self._position += 1
        is_long = len(text) > LONG_CHARACTERS or "\n" in text or "\r" in text
        return str(shorten(text)) if is_long else text

    def _decode(self, name: str) -> tuple[Any, int]:
        """Decode the value that begins here; say where it ends."""
        window = self._window
        while True:
            try:
                item, end = self._decoder.raw_decode(window.text, window.at)
            except json.JSONDecodeError as error:
                near_end = error.pos >= len(window.text) - self.LONGEST_TOKEN
                if (near_end or error.msg.startswith("Unterminated")) and window.fill():
                    continue
                if error.pos >= len(window.text):
                    raise self._error(f"ends in the middle of {name}", error.pos) from error
                raise self._error(f"{name} is not JSON: {error.msg}", error.pos) from error
            except (ValueError, RecursionError) as error:
                raise self._error(f"{name}: {refusal_reason(error)}") from error
            # A number near the end may go on: 1 may be cut off 1e+5, before or after the sign.
            if end > len(window.text) - self.LONGEST_TOKEN and window.fill():
                continue
            return item, end

    def _refuse_rest(self) -> NoReturn:
        raise self._error(
            "is not JSON: it goes on after its first value; one value a line is the format .jsonl"
        )

    def _error(self, problem: str, at: int | None = None) -> ListInvalid:
        _, lines = self._window.place(self._window.at if at is None else at)
        return invalid(problem, lines + 1)
