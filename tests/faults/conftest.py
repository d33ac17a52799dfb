"""The emulator of tests/local, and the app with a processor that fails as its items say."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project

from tests.local.conftest import local_aws, new_account, new_cdk_account

__all__ = ["local_aws", "new_account", "new_cdk_account"]

FUNCTION_TIMEOUT_SECONDS = 2
FAULTY_PROCESS = Path(__file__).with_name("faulty_process.py")


@pytest.fixture(scope="session")
def deploy_faulty(
    tmp_path_factory: pytest.TempPathFactory, new_cdk_account: Callable[[], dict[str, str]]
) -> Callable[[str], Project]:
    """Deploy the app with a failure policy, no wait, and a function that has two seconds."""

    def deploy(on_item_failure: str) -> Project:
        project = Project.copy(tmp_path_factory.mktemp("faults"), new_cdk_account())
        shutil.copy(FAULTY_PROCESS, project.folder / "lambdas" / "process_item" / "process.py")
        project.configure(
            "stepfunc",
            maxConcurrency=8,
            waitDurationSeconds=0,
            timeoutDurationSeconds=100,
            onItemFailure=on_item_failure,
        )
        defaults = project.folder / "stacks" / "functions.py"
        source = defaults.read_text()
        changed = source.replace(
            "\nTIMEOUT_SECONDS = 60\n", f"\nTIMEOUT_SECONDS = {FUNCTION_TIMEOUT_SECONDS}\n"
        )
        assert changed != source
        defaults.write_text(changed)
        project.deploy()
        return project

    return deploy
