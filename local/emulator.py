"""The emulator's process: MiniStack with this project's replacements. ``python -m local start`` runs it."""

import os

from local import instances


def main() -> None:
    """Serve until terminated."""
    instances.claim(int(os.environ["GATEWAY_PORT"]))
    # Imported here, so that whoever waits for this process sees its record at once.
    from ministack import app  # noqa: PLC0415

    from local.replacements import install  # noqa: PLC0415

    install()
    app.main()


if __name__ == "__main__":
    main()
