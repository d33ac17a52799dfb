"""Reads lists of JSON as a stream: one array, of which a window is kept, or one value a line."""

import json
from typing import NoReturn

from utils.list_decoder import ItemDecoder, refusal_reason
from utils.list_text import LONGEST_ITEM_CHARACTERS, Items, ListText


def read_json_lines(text: ListText) -> Items:
    """Read one item a line; blank lines are noted as ``blank``, rounded fractions as ``rounded``.

    Raises
    ------
    ListError
        A line is not JSON.
    """
    decoder, index = ItemDecoder(), 0
    for number, line in enumerate(text.lines(), start=1):
        if not line.strip(" \t\r"):
            text.note("blank", number)
            continue
        try:
            item = decoder.decode(line)
        except json.JSONDecodeError as error:
            hint = ": a JSON array is another format, json" if index == 0 and line[0] == "[" else ""
            raise text.error(f"item [{index}] is not JSON: {error.msg}{hint}", number) from error
        except (ValueError, RecursionError) as error:
            raise text.error(f"item [{index}]: {refusal_reason(error)}", number) from error
        if decoder.rounded:
            text.note("rounded", number)
            decoder.rounded = False
        yield number, item
        index += 1


class JsonArray:
    """One JSON array; iterating over it raises `ListError` where the text is something else."""

    LONGEST_TOKEN = 16
    """Characters; a longer rest of a number, a word or an escape cannot be incomplete."""

    def __init__(self, text: ListText) -> None:
        self._text = text
        self._decoder = ItemDecoder()
        self._pieces = iter(text)
        self._window = ""
        self._at = 0
        self._line = 1
        self._counted = 0

    def __iter__(self) -> Items:
        self._open()
        index = 0
        while not (index == 0 and self._peek() == "]"):
            self._peek()
            line = self._line_at(self._at)
            yield line, self._item(index)
            index += 1
            char = self._peek()
            if char == "]":
                break
            if char != ",":
                raise self._text.error(
                    f"is not JSON: expecting ',' or ']' after item [{index - 1}]"
                    if char
                    else f"ends after item [{index - 1}] without the ] of the list",
                    self._line_at(self._at),
                )
            self._at += 1
        self._at += 1
        if self._peek():
            self._refuse_rest()

    def _open(self) -> None:
        char = self._peek()
        if char == "":
            raise self._text.error("is empty: a list of no items is []")
        if char != "[":
            value = self._item(None)
            if self._peek() in {"{", '"', "["}:
                self._refuse_rest()
            kind = "an object" if isinstance(value, dict) else "one value"
            raise self._text.error(f"holds {kind}, not a list: put the items in [ and ]")
        self._at += 1

    def _refuse_rest(self) -> NoReturn:
        raise self._text.error(
            "is not JSON: it goes on after its first value; one value a line is the format jsonl",
            self._line_at(self._at),
        )

    def _item(self, index: int | None) -> object:
        """Decode the value that begins here; None stands for the whole file."""
        name = "the content" if index is None else f"item [{index}]"
        while True:
            try:
                self._decoder.rounded = False
                item, end = self._decoder.raw_decode(self._window, self._at)
            except json.JSONDecodeError as error:
                incomplete = (
                    error.msg.startswith("Unterminated")
                    or error.pos >= len(self._window) - self.LONGEST_TOKEN
                )
                if incomplete and self._fill(name):
                    continue
                line = self._line_at(self._at) + self._window.count("\n", self._at, error.pos)
                if error.pos >= len(self._window):
                    raise self._text.error(f"ends in the middle of {name}", line) from error
                raise self._text.error(f"{name} is not JSON: {error.msg}", line) from error
            except (ValueError, RecursionError) as error:
                raise self._text.error(f"{name}: {refusal_reason(error)}", self._line_at(self._at)) from error
            # A number near the end may go on: 1 may be cut off 1e+5, before or after the sign.
            if end > len(self._window) - self.LONGEST_TOKEN and self._fill(name):
                continue
            if self._decoder.rounded:
                self._text.note("rounded", self._line_at(self._at))
            self._at = end
            return item

    def _peek(self) -> str:
        """Skip white space and give the next character; empty at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in " \n\r\t":
                    return self._window[self._at]
                self._at += 1
            if not self._fill("the white space"):
                return ""

    def _fill(self, name: str) -> bool:
        """Drop what was read from the window and add a piece; say whether there was one."""
        if len(self._window) - self._at > LONGEST_ITEM_CHARACTERS:
            raise self._text.error(
                f"{name} is longer than {LONGEST_ITEM_CHARACTERS:,} characters", self._line_at(self._at)
            )
        piece = next(self._pieces, "")
        if not piece:
            return False
        self._line_at(self._at)
        self._window = self._window[self._at :] + piece
        self._at = self._counted = 0
        return True

    def _line_at(self, position: int) -> int:
        self._line += self._window.count("\n", self._counted, position)
        self._counted = position
        return self._line
