"""What the commands share: session, error lines, exit codes."""

import argparse
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from botocore import exceptions
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError

from utils.aws import (
    add_session_arguments,
    aws_errors,
    open_session,
    stack_output,
)
from utils.command import CommandError, run_command

STACK = """<DescribeStacksResponse><DescribeStacksResult><Stacks><member>
<StackName>FanOutStack</StackName><StackStatus>CREATE_COMPLETE</StackStatus>
<CreationTime>2026-01-02T03:04:05Z</CreationTime>
<Outputs><member><OutputKey>TableName</OutputKey><OutputValue>Lists</OutputValue></member></Outputs>
</member></Stacks></DescribeStacksResult></DescribeStacksResponse>"""

NO_STACK = """<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>
<Message>Stack with id FanOutStack does not exist</Message></Error></ErrorResponse>"""


@pytest.fixture(autouse=True)
def _no_credentials_of_this_machine(monkeypatch, tmp_path):
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "111122223333")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")


def _answer(code: str, message: str = "as AWS says it") -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": message}}, "GetItem")


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (_answer("ExpiredTokenException"), "credentials have expired: sign in again"),
        (_answer("ExpiredToken"), "credentials have expired: sign in again"),
        (_answer("UnrecognizedClientException"), "does not accept these credentials: check --profile"),
        (_answer("AccessDeniedException"), "no permission: use a profile that may do this"),
        (_answer("ThrottlingException"), "throttles these calls: wait a minute"),
        (_answer("ProvisionedThroughputExceededException"), "throttles these calls: wait a minute"),
        (_answer("InternalServerError"), "service failed: run the command again"),
        (_answer("SomethingElse"), "SomethingElse: as AWS says it"),
        (_answer("404", "Not Found"), "not AWS (HTTP status 404): check the proxy settings"),
        (
            ResponseParserError("not XML"),
            "what answers is not AWS (ResponseParserError: not XML): check the proxy settings",
        ),
        (KeyError("events"), "what answers is not AWS (KeyError: 'events'): check the proxy settings"),
        (TypeError("a list"), "what answers is not AWS (TypeError: a list): check the proxy settings"),
        (AttributeError("get"), "what answers is not AWS (AttributeError: get): check the proxy"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "bad"), "what answers is not AWS (UnicodeDecodeError: "),
        (
            exceptions.NoCredentialsError(),
            (
                "no AWS credentials: give --profile, run `aws configure`, or set AWS_ACCESS_KEY_ID and "
                'AWS_SECRET_ACCESS_KEY; for the local AWS, `eval "$(python -m local env)"`'
            ),
        ),
        (exceptions.PartialCredentialsError(provider="env", cred_var="x"), "no AWS credentials"),
        (
            exceptions.NoRegionError(),
            (
                "no AWS region: give --region, set AWS_DEFAULT_REGION, or add one to the profile; "
                'for the local AWS, `eval "$(python -m local env)"`'
            ),
        ),
        (exceptions.UnauthorizedSSOTokenError(), "cannot be loaded (The SSO session"),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="expired"), "aws sso login"),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), "does not answer"),
        (exceptions.ConnectTimeoutError(endpoint_url="https://x"), "check the network, the region"),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), "does not answer"),
    ],
)
def test_an_error_becomes_one_line_that_says_what_to_do(error: Exception, advice: str):
    with pytest.raises(CommandError) as caught, aws_errors("reading table Lists"):
        raise error

    line = str(caught.value)
    assert line.startswith("reading table Lists: ")
    assert advice in line
    assert "\n" not in line


def test_an_error_of_another_kind_is_not_hidden():
    with pytest.raises(ZeroDivisionError, match="a bug"), aws_errors("reading"):
        raise ZeroDivisionError("a bug")


def test_a_command_error_inside_keeps_its_own_line():
    with pytest.raises(CommandError, match=r"^table X is missing$"), aws_errors("reading"):
        raise CommandError("table X is missing")


def test_unreachable_endpoint_is_named_when_the_environment_sets_it(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(CommandError) as caught, aws_errors("reading"):
        raise exceptions.EndpointConnectionError(endpoint_url="http://127.0.0.1:1/")
    assert "AWS_ENDPOINT_URL, which is http://127.0.0.1:1 (" in str(caught.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("here", "Invalid endpoint: here"),
        ("http://127.0.0.1:99999", "Port out of range 0-65535"),
        ("http://127.0.0.1:x", "Port could not be cast to integer value as 'x'"),
        ("http://[::1", "Invalid IPv6 URL"),
    ],
)
def test_an_endpoint_that_is_no_url_is_named(monkeypatch, url, said):
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    with pytest.raises(CommandError) as caught:
        stack_output(open_session(None, "eu-west-1"), "FanOutStack", "TableName")
    assert str(caught.value) == (
        f"reading output TableName of stack FanOutStack: the endpoint URL is no URL ({said}): "
        f"check AWS_ENDPOINT_URL, which is {url} (the local AWS: `python -m local status`)"
    )


def test_unknown_profile_is_named():
    with pytest.raises(CommandError, match="there is no profile 'nobody'"):
        open_session("nobody", "eu-west-1")


def test_missing_region_is_said_at_once():
    with pytest.raises(CommandError, match="no AWS region"):
        open_session(None, None)


@pytest.mark.parametrize(
    ("argument", "environment", "region"),
    [
        ("eu-west-1", {"AWS_REGION": "eu-west-2"}, "eu-west-1"),
        (None, {"AWS_REGION": "eu-west-2", "AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-2"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-3"}, "eu-west-3"),
    ],
)
def test_region_comes_from_the_argument_then_the_environment(monkeypatch, argument, environment, region):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert open_session(None, argument).region_name == region


def test_profile_brings_its_region(tmp_path):
    (tmp_path / "config").write_text("[profile work]\nregion = eu-north-1\n")
    assert open_session("work", None).region_name == "eu-north-1"


def test_clients_retry_and_give_up_an_unreachable_endpoint_within_seconds():
    config = open_session(None, "eu-west-1").client("dynamodb").meta.config
    assert config.retries["mode"] == "standard"
    assert config.connect_timeout * config.retries["total_max_attempts"] <= 15


def test_a_throttled_call_is_repeated(monkeypatch):
    # Given an endpoint that throttles once and then answers
    throttled = b'{"__type": "ThrottlingException", "message": "Rate exceeded"}'
    answers = [(400, throttled), (200, b'{"TableNames": ["Lists"]}')]
    with _serve(answers) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        # When a client of the session calls it
        tables = open_session(None, "eu-west-1").client("dynamodb").list_tables()["TableNames"]
    # Then it has the second answer
    assert tables == ["Lists"]
    assert answers == []


@contextmanager
def _serve(answers: list[tuple[int, bytes]]) -> Iterator[str]:
    """Serve canned answers, one a connection; each is taken from the list as it is given."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(20)

        def run() -> None:
            while answers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(65_536)
                    status, body = answers.pop(0)
                    head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
                    connection.sendall(head.encode() + body)

        thread = threading.Thread(target=run)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def _read_output(monkeypatch, key: str, status: int, answer: str) -> str:
    with _serve([(status, answer.encode())]) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        return stack_output(open_session(None, "eu-west-1"), "FanOutStack", key)


def test_stack_output_is_read(monkeypatch):
    assert _read_output(monkeypatch, "TableName", 200, STACK) == "Lists"


@pytest.mark.parametrize(
    "answer",
    [
        "",
        "<html><body>Welcome</body></html>",
        "Welcome",
        "<DescribeStacksResponse><DescribeStacksResult><Stacks/></DescribeStacksResult></DescribeStacksResponse>",
        STACK.replace("<StackStatus>CREATE_COMPLETE</StackStatus>", "").replace("TableName", "Other"),
        STACK.replace("2026-01-02", "some day"),
    ],
)
def test_an_answer_that_is_no_stack_is_one_line(monkeypatch, answer):
    with pytest.raises(CommandError) as caught:
        _read_output(monkeypatch, "TableName", 200, answer)
    line = str(caught.value)
    assert line.startswith("reading output TableName of stack FanOutStack: what answers is not AWS (")
    assert "): check AWS_ENDPOINT_URL, which is http://127.0.0.1:" in line
    assert "\n" not in line


def test_missing_stack_says_where_and_to_deploy_it(monkeypatch):
    with pytest.raises(CommandError) as caught:
        _read_output(monkeypatch, "TableName", 400, NO_STACK)
    assert str(caught.value) == (
        "stack FanOutStack does not exist in eu-west-1: deploy it first with `npx cdk deploy FanOutStack`"
    )


def test_missing_output_says_the_state_of_the_stack(monkeypatch):
    with pytest.raises(CommandError, match=r"\(CREATE_COMPLETE\) has no output QueueUrl: deploy it again"):
        _read_output(monkeypatch, "QueueUrl", 200, STACK)


def test_a_refused_stack_says_what_was_read(monkeypatch):
    refused = NO_STACK.replace("ValidationError", "AccessDenied").replace("does not exist", "is not yours")
    with pytest.raises(CommandError, match=r"^reading output TableName of stack FanOutStack: no permission"):
        _read_output(monkeypatch, "TableName", 403, refused)


def _raise(error: BaseException):
    raise error


@pytest.fixture
def signals():
    """Put back what a test lets signals do."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("main", "code", "stderr"),
    [
        (lambda: None, 0, ""),
        (lambda: 3, 3, ""),
        (lambda: _raise(CommandError("no table")), 1, "error: no table\n"),
        (lambda: _raise(CommandError("one", "two")), 1, "error: one\nerror: two\n"),
        (
            lambda: _raise(CommandError("é \x1b[31m\x9b\r\n\u2028")),
            1,
            "error: é \\x1b[31m\\x9b\\r\\n\\u2028\n",
        ),
        (lambda: _raise(KeyboardInterrupt()), 130, "interrupted\n"),
        (lambda: argparse.ArgumentParser().parse_args(["--no-such"]), 2, None),
    ],
)
@pytest.mark.usefixtures("signals")
def test_run_command_ends_with_the_code_and_the_line(capsys, main, code, stderr):
    with pytest.raises(SystemExit) as ended:
        run_command(main)
    assert ended.value.code == code
    if stderr is not None:
        assert capsys.readouterr().err == stderr


@pytest.mark.usefixtures("signals")
def test_a_signal_that_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with pytest.raises(SystemExit):
        run_command(lambda: signal.raise_signal(signal.SIGHUP))
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_session_arguments_are_optional():
    parser = argparse.ArgumentParser()
    add_session_arguments(parser)
    assert vars(parser.parse_args([])) == {"profile": None, "region": None}
    assert vars(parser.parse_args(["--profile", "p", "--region", "r"])) == {"profile": "p", "region": "r"}
