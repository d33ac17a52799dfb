"""An emulator of the test session's own; a user's emulator is left alone."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from local_aws import LocalAws, free_port

from local import processes


@pytest.fixture
def own_local_aws(tmp_path: Path) -> Iterator[LocalAws]:
    """For one test: nothing runs yet; whatever the test starts is stopped."""
    local_aws = LocalAws(tmp_path / "records", free_port())
    yield local_aws
    for record in local_aws.records.glob("[0-9]*.json"):
        local_aws.run("stop", "--port", record.stem)


@pytest.fixture(scope="session")
def local_aws(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAws]:
    """A running emulator, one for each worker of pytest-xdist; no process of it is left."""
    local_aws = LocalAws(tmp_path_factory.mktemp("local-aws") / "records", free_port())
    local_aws.start()
    pid = local_aws.instance().pid
    yield local_aws
    result = local_aws.run("stop")
    assert result.returncode == 0, result.stderr
    assert processes.list_group(pid) == {}


@pytest.fixture(scope="session")
def new_account(local_aws: LocalAws) -> Callable[[], dict[str, str]]:
    """Make environments for the stock tools, each in an account of its own that nothing else uses."""
    numbers = itertools.count(1)
    return lambda: local_aws.environment(f"{next(numbers):012d}")


@pytest.fixture(scope="session")
def new_cdk_account(
    local_aws: LocalAws, new_account: Callable[[], dict[str, str]]
) -> Callable[[], dict[str, str]]:
    """Make the same, bootstrapped for ``cdk deploy``."""

    def create() -> dict[str, str]:
        environment = new_account()
        local_aws.bootstrap(environment["AWS_ACCESS_KEY_ID"])
        return environment

    return create
