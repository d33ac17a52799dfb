"""README.md, all but its account section: what it says to type works, and prints what it shows."""

from collections.abc import Iterator

import pytest
from local_aws import QUICK_SYNTHESIS, LocalAws, free_port
from readme import (
    ACCOUNT_SECTION,
    Block,
    Reader,
    check,
    clean_environment,
    commands_and_what_they_show,
    read_blocks,
)

BLOCKS = [block for block in read_blocks() if block.section != ACCOUNT_SECTION]


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    """On a machine where the local AWS already runs, on a port that nothing else uses."""
    home = tmp_path_factory.mktemp("home")
    local_aws = LocalAws(home / "records", free_port())
    local_aws.start()
    environment = {**clean_environment(), **QUICK_SYNTHESIS, "LOCAL_AWS_DIR": str(local_aws.records)}
    yield Reader.with_copy(home, environment, BLOCKS)
    local_aws.run("stop")


@pytest.mark.parametrize(("command", "shown"), commands_and_what_they_show(BLOCKS))
def test_commands_do_what_the_readme_shows(reader: Reader, command: Block, shown: str):
    check(reader.follow_to(command), shown)
