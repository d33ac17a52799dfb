"""TCP ports: free, in use, and by whom."""

import os
import socket
from collections.abc import Iterator

import pytest

from local import ports


@pytest.fixture
def busy_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port: int = server.getsockname()[1]
        yield port


def test_a_port_is_free_until_someone_listens(busy_port: int):
    assert not ports.is_free(busy_port)


def test_a_port_that_is_taken_on_every_interface_is_not_free():
    with socket.socket() as server:
        server.bind(("0.0.0.0", 0))
        server.listen()
        assert not ports.is_free(server.getsockname()[1])


def test_the_first_free_port_is_after_the_busy_one(busy_port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ports, "DEFAULT_PORT", busy_port)
    monkeypatch.setattr(ports, "LAST_PORT", busy_port + 100)

    found = ports.first_free()

    assert found is not None
    assert busy_port < found <= busy_port + 100


def test_no_port_may_be_free(busy_port: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ports, "DEFAULT_PORT", busy_port)
    monkeypatch.setattr(ports, "LAST_PORT", busy_port)

    assert ports.first_free() is None


def test_the_owner_is_named_if_the_system_tells(busy_port: int, monkeypatch: pytest.MonkeyPatch):
    assert ports.describe_owner(busy_port).endswith((f"(pid {os.getpid()})", "another process"))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert ports.describe_owner(busy_port) == "another process"
