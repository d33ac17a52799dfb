"""The emulator of tests/local, and the app with a processor that fails as its items say."""

import shutil
from collections.abc import Callable
from typing import Any

import pytest
from distributed_map_project import DistributedMapProject
from item_faults import FAULTY_PROCESS
from projects import Project

from tests.local.conftest import local_aws, new_account, new_cdk_account

__all__ = ["local_aws", "new_account", "new_cdk_account"]

FUNCTION_TIMEOUT_SECONDS = 2


Deploy = Callable[..., DistributedMapProject]


def make_faulty(project: Project, function_seconds: int) -> None:
    """Put the faulty processor in its place, and give functions so much time."""
    shutil.copy(FAULTY_PROCESS, project.folder / "lambdas" / "process_item" / "process.py")
    defaults = project.folder / "stacks" / "functions.py"
    source = defaults.read_text()
    changed = source.replace("\nTIMEOUT_SECONDS = 60\n", f"\nTIMEOUT_SECONDS = {function_seconds}\n")
    assert changed != source
    defaults.write_text(changed)


@pytest.fixture(scope="session")
def deploy_faulty(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> Callable[[str], Project]:
    """Deploy the app with a failure policy, no wait, and a function that has two seconds."""

    def deploy(on_item_failure: str) -> Project:
        project = Project.copy(tmp_path_factory.mktemp("faults"), new_cdk_account())
        make_faulty(project, FUNCTION_TIMEOUT_SECONDS)
        project.configure(
            "stepfunc",
            maxConcurrency=8,
            waitDurationSeconds=0,
            timeoutDurationSeconds=100,
            onItemFailure=on_item_failure,
        )
        project.deploy()
        return project

    return deploy


@pytest.fixture(scope="session")
def deploy_faulty_batches(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> Deploy:
    """Deploy `distributedMap` with a name of its own, the seconds of its function, and its configuration."""

    def deploy(name: str, *, function_seconds: int, **config: Any) -> DistributedMapProject:
        project = DistributedMapProject.copy(tmp_path_factory.mktemp(name), new_cdk_account())
        make_faulty(project, function_seconds)
        project.name_workflows("distributedMap")
        project.configure("distributedMap", timeoutDurationSeconds=100, **config)
        project.deploy()
        return project

    return deploy
