"""Benchmark ``commands``: what a person waits for ``cdk synth``, an estimate, and a second ``make demo``."""

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.emulators import base_environment, run_command
from benchmarks.figures import Case, Report, Result, measure_rounds

DEMO = ["make", "demo"]
LIMIT_SECONDS = 30.0
ESTIMATE_SECONDS = {1_000_000: 1.0, 1_000_000_000: 5.0}
"""Of utils/estimate.py, by the number of items, when the definitions were synthesized before."""
DEMO_TEXT = "second make demo, 6 s of it the waits of the workflow"


def measure(rounds: int, report: Report) -> Result:
    """Measure the commands as they are typed."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environ = {**base_environment(), "PATH": path, "LOCAL_AWS_DIR": folder}
        synth = ["npx", "cdk", "synth", "--quiet", "--output", str(Path(folder, "cdk.out"))]
        cases = [
            Case("cdk synth", "stock CLI", "s", lambda: _seconds(synth, environ)),
            *(_estimate(items, limit, environ) for items, limit in ESTIMATE_SECONDS.items()),
            Case(DEMO_TEXT, "local AWS", "s", lambda: _seconds(DEMO, environ), LIMIT_SECONDS),
        ]
        try:
            report("the first make demo and the first estimate, which are not measured")
            run_command(DEMO, environ)
            run_command([sys.executable, "utils/estimate.py", "--items", "1"], environ)
            return Result(measure_rounds(cases, rounds, report))
        finally:
            run_command([sys.executable, "-m", "local", "stop"], environ)


def _estimate(items: int, limit: float, environ: dict[str, str]) -> Case:
    command = [sys.executable, "utils/estimate.py", "--items", str(items)]
    return Case(f"estimate of {items:,} items", "command", "s", lambda: _seconds(command, environ), limit)


def _seconds(command: list[str], environ: dict[str, str]) -> float:
    started = time.monotonic()
    run_command(command, environ)
    return time.monotonic() - started
