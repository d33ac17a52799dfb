"""The variables that point AWS's tools at the local AWS."""

import subprocess

import pytest

from local.tool_environment import export_lines, tool_environment

ENDPOINT = "http://127.0.0.1:4999"


def evaluate(environ: dict[str, str], *names: str) -> list[str | None]:
    """What the variables are in a shell that had ``environ`` and evaluated the lines."""
    shown = "".join(f'echo "${{{name}-(unset)}}";' for name in names)
    script = "\n".join([*export_lines(ENDPOINT, environ), shown])
    result = subprocess.run(
        ["/bin/sh", "-euc", script], env=environ, capture_output=True, text=True, check=True
    )
    return result.stdout.splitlines()


def test_endpoint_region_and_account():
    names = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ACCESS_KEY_ID", "AWS_PAGER")
    own = {"AWS_ENDPOINT_URL": "https://own", "AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "own"}

    assert evaluate(own, *names) == [ENDPOINT, "us-east-1", "us-east-1", "000000000000", ""]


@pytest.mark.parametrize(
    "name",
    [
        "AWS_PROFILE",
        "AWS_DEFAULT_PROFILE",
        "AWS_SESSION_TOKEN",
        "AWS_SECURITY_TOKEN",
        "AWS_CREDENTIAL_EXPIRATION",
        "AWS_ENDPOINT_URL_S3",
        "AWS_ENDPOINT_URL_DYNAMODB",
    ],
)
def test_what_would_turn_a_tool_away_is_unset(name):
    assert evaluate({name: "own"}, name) == ["(unset)"]
    assert name not in tool_environment(ENDPOINT, "111111111111", {name: "own"})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, "(unset)"),
        ({"NO_PROXY": "internal"}, "internal"),
        ({"HTTPS_PROXY": "http://proxy"}, "127.0.0.1,localhost"),
        ({"http_proxy": "http://proxy", "NO_PROXY": "internal"}, "internal,127.0.0.1,localhost"),
        ({"ALL_PROXY": "http://proxy", "no_proxy": "internal,localhost"}, "internal,localhost,127.0.0.1"),
    ],
)
def test_a_proxy_is_not_asked_for_the_local_aws(environ, expected):
    assert evaluate(environ, "NO_PROXY") == [expected]
    again = {**environ, "NO_PROXY": expected, "no_proxy": expected}
    assert evaluate(again, "NO_PROXY") == [expected]


def test_a_tool_works_in_the_account_that_is_named_and_keeps_the_rest():
    environ = tool_environment(ENDPOINT, "111111111111", {"PATH": "/bin", "AWS_ACCESS_KEY_ID": "own"})

    assert environ["AWS_ACCESS_KEY_ID"] == "111111111111"
    assert environ["PATH"] == "/bin"


def test_a_name_that_a_shell_would_run_stays_out():
    name = "AWS_ENDPOINT_URL_X;touch injected;"
    assert name not in "\n".join(export_lines(ENDPOINT, {name: "own"}))
