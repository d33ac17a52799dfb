"""Runs a command and, when it succeeded, adds a line: its seconds, and the most bytes (RSS) that it had.

``python measure_command.py COMMAND …`` is a small process of its own, because what a process has before it
becomes the command counts as the command's (getrusage(2), ru_maxrss).
"""

import resource
import subprocess
import sys
import time

if __name__ == "__main__":
    started = time.monotonic()
    exit_code = subprocess.run(sys.argv[1:], check=False).returncode
    seconds = time.monotonic() - started
    if exit_code:
        sys.exit(exit_code)  # the last line is then the command's, which says why
    print(f"{seconds:.3f} {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024}")
