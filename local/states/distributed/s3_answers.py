"""What the local S3 says when it refuses a request."""


def refusal(answer: bytes | str) -> str:
    """The message and the code of an error.

    Its XML is not parsed: a key in it may have characters that XML does not allow.
    """
    text = answer.decode() if isinstance(answer, bytes) else answer
    return f"{_between(text, '<Message>', '</Message>')} (Error Code: {_between(text, '<Code>', '</Code>')})"


def _between(text: str, start: str, end: str) -> str:
    return text.partition(start)[2].partition(end)[0]
