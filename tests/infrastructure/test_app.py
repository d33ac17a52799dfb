"""The app as the CDK command runs it: a process with config.json beside it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def run_app(tmp_path):
    """Return a function that runs the app with a text as its config.json, without any AWS settings."""

    def run(text):
        shutil.copy(ROOT / "app.py", tmp_path)
        (tmp_path / "config.json").write_text(text, encoding="utf-8")
        kept = {
            key: value for key, value in os.environ.items() if not key.startswith(("AWS_", "CDK_", "JSII_"))
        }
        env = {**kept, "PYTHONPATH": str(ROOT), "CDK_OUTDIR": str(tmp_path / "cdk.out")}
        command = [sys.executable, str(tmp_path / "app.py")]
        return subprocess.run(command, env=env, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize(
    ("text", "stacks"),
    [
        ("{}", ["FanOutStack"]),
        (
            '{"workflows": ["fanOut", "distributedMap", "throttledMap", "queueFanIn", "orderProcessing"]}',
            [
                "FanOutStack",
                "DistributedMapStack",
                "ThrottledMapStack",
                "QueueFanInStack",
                "OrderProcessingStack",
            ],
        ),
        (
            '{"workflows": ["fanOut", "throttledMap"], "throttledMap": {"source": "dynamodb"}}',
            ["FanOutStack", "ThrottledMapStack"],
        ),
    ],
)
def test_app_adds_the_configured_stacks_for_any_account_and_region(run_app, tmp_path, text, stacks):
    # When the app runs
    done = run_app(text)
    # Then it is silent, and its stacks are bound to no account
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    artifacts = json.loads((tmp_path / "cdk.out" / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
    found = {name: it for name, it in artifacts.items() if it["type"] == "aws:cloudformation:stack"}
    assert {name: it["environment"] for name, it in found.items()} == dict.fromkeys(
        stacks, "aws://unknown-account/unknown-region"
    )


def test_app_stops_with_one_line_for_a_mistake(run_app, tmp_path):
    # When the app runs with a wrong value
    done = run_app('{"stepfunc": {"maxConcurrency": -1}}')
    # Then it says so in one line, without a traceback, and writes nothing
    said = f"{tmp_path / 'config.json'}: stepfunc.maxConcurrency = -1: allowed is a whole number from 0\n"
    assert (done.returncode, done.stdout, done.stderr) == (1, "", said)
    assert not (tmp_path / "cdk.out").exists()
