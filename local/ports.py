"""TCP ports of this machine: which are free, and who has one that is not."""

import shutil
import socket
import subprocess

from local.errors import LocalAwsError

HOST = "127.0.0.1"
DEFAULT_PORT = 4566
LAST_PORT = 4666


def is_free(port: int) -> bool:
    """Say whether a server can listen on the port.

    Raises
    ------
    LocalAwsError
        The system does not let this user listen on it.
    """
    with socket.socket() as probe:
        # A port that was in use a minute ago is free, although the system still keeps its last connections.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError:
            message = f"Port {port} is not open to this user: choose one from 1024 on with --port."
            raise LocalAwsError(message) from None
        except OSError:
            return False
    with socket.socket() as probe:
        # Where SO_REUSEADDR lets an address be bound that another server has on all interfaces, as on macOS.
        return probe.connect_ex((HOST, port)) != 0


def first_free() -> int | None:
    """Find the first free port from the default one on, or None if none of the next hundred is."""
    return next((port for port in range(DEFAULT_PORT, LAST_PORT + 1) if is_free(port)), None)


def describe_owner(port: int) -> str:
    """Name the process that listens on a port, as "python3 (pid 12)"; "another process" if nothing tells."""
    command = shutil.which("lsof")
    if command is None:
        return "another process"
    arguments = [command, "-nP", f"-iTCP:{port}", "-sTCP:LISTEN", "-Fpc"]
    found = subprocess.run(arguments, capture_output=True, text=True, check=False)  # noqa: S603
    fields = {line[:1]: line[1:] for line in found.stdout.splitlines()}
    return f"{fields['c']} (pid {fields['p']})" if {"c", "p"} <= fields.keys() else "another process"
