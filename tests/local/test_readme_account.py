"""The account section of README.md, with a profile as of a real account that leads to the local AWS."""

from collections.abc import Callable

import pytest
from local_aws import QUICK_SYNTHESIS, LocalAws, client
from readme import (
    ACCOUNT_SECTION,
    Block,
    Reader,
    check,
    clean_environment,
    commands_and_what_they_show,
    read_blocks,
)

BLOCKS = [block for block in read_blocks() if block.section == ACCOUNT_SECTION]
COMMANDS = commands_and_what_they_show(BLOCKS)


@pytest.fixture(scope="module")
def account(new_account: Callable[[], dict[str, str]]) -> str:
    return new_account()["AWS_ACCESS_KEY_ID"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory, local_aws: LocalAws, account: str) -> Reader:
    """Somebody with an account that nothing was deployed to, credentials in ~/.aws, and .venv activated."""
    home = tmp_path_factory.mktemp("home")
    (home / ".aws").mkdir()
    (home / ".aws" / "config").write_text("[profile my-profile]\nregion = us-east-1\n", encoding="utf-8")
    credentials = f"[my-profile]\naws_access_key_id = {account}\naws_secret_access_key = any\n"
    (home / ".aws" / "credentials").write_text(credentials, encoding="utf-8")
    path = local_aws.environment()["PATH"]
    own = {"PATH": path, "AWS_ENDPOINT_URL": local_aws.endpoint, **QUICK_SYNTHESIS}
    return Reader.with_copy(home, {**clean_environment(), **own}, BLOCKS)


@pytest.mark.parametrize(("command", "shown"), COMMANDS)
def test_commands_do_what_the_readme_shows(reader: Reader, command: Block, shown: str):
    check(reader.follow_to(command), shown)


def test_only_the_bootstrap_stack_stays_behind(reader: Reader, local_aws: LocalAws, account: str):
    # When everything in the section is done
    reader.follow_to(COMMANDS[-1].values[0])
    # Then
    stacks = client(local_aws, "cloudformation", account).describe_stacks()["Stacks"]
    assert [stack["StackName"] for stack in stacks] == ["CDKToolkit"]
    assert not client(local_aws, "dynamodb", account).list_tables()["TableNames"]
    assert not client(local_aws, "logs", account).describe_log_groups()["logGroups"]
