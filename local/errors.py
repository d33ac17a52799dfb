"""What a command of the local AWS reports as failed."""


class LocalAwsError(Exception):
    """One line that says what is wrong and what to do, and the output that shows it, if any."""

    def __init__(self, message: str, *output: str, exit_code: int = 1) -> None:
        super().__init__("\n".join([message, *(f"    {line}" for line in output)]))
        self.exit_code = exit_code
