"""Benchmark ``commands``: what a person waits for ``cdk synth``, and for a second ``make demo``."""

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.emulators import base_environment, run_command
from benchmarks.figures import Case, Report, Result, measure_rounds

DEMO = ["make", "demo"]
LIMIT_SECONDS = 30.0
DEMO_TEXT = "second make demo, 6 s of it the waits of the workflow"


def measure(rounds: int, report: Report) -> Result:
    """Measure both commands as they are typed."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environ = {**base_environment(), "PATH": path, "LOCAL_AWS_DIR": folder}
        synth = ["npx", "cdk", "synth", "--quiet", "--output", str(Path(folder, "cdk.out"))]
        cases = [
            Case("cdk synth", "stock CLI", "s", lambda: _seconds(synth, environ)),
            Case(DEMO_TEXT, "local AWS", "s", lambda: _seconds(DEMO, environ), LIMIT_SECONDS),
        ]
        try:
            report("the first make demo, which is not measured")
            run_command(DEMO, environ)
            return Result(measure_rounds(cases, rounds, report))
        finally:
            run_command([sys.executable, "-m", "local", "stop"], environ)


def _seconds(command: list[str], environ: dict[str, str]) -> float:
    started = time.monotonic()
    run_command(command, environ)
    return time.monotonic() - started
