"""What holds for all tests."""

import signal
from collections.abc import Iterator
from functools import cache

import botocore.session
import pytest

# A job in the background of a shell ignores Ctrl-C, and so would the commands that tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def shared_service_models() -> Iterator[None]:
    """One loader, which keeps the services' models that it has read, for every session of a test process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(botocore.session, "create_loader", cache(botocore.session.create_loader))
        yield
