"""The `distributedMap` workflow as a user works with it: a list in, an execution, its rows out."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from projects import Project


@dataclass(frozen=True)
class DistributedMapProject(Project):
    """The app with the stack of this workflow."""

    stack: str = "DistributedMapStack"

    @property
    def state_machine_arn(self) -> str:
        return self.outputs["StateMachineArn"]

    def execution_arn(self, name: str) -> str:
        return f"{self.state_machine_arn.replace(':stateMachine:', ':execution:')}:{name}"

    @property
    def function_name(self) -> str:
        """The item processor's."""
        (name,) = [each for each in self.resources("AWS::Lambda::Function") if "ItemProcessor" in each]
        return name

    def replace_process(self, source: str | None) -> None:
        """Deploy the item processor with another process.py; with None, as it is in the project."""
        folder = self.folder / "lambdas" / "process_item"
        if source is not None:
            folder = Path(shutil.copytree(folder, self.folder / "replaced", dirs_exist_ok=True))
            (folder / "process.py").write_text(source, encoding="utf-8")
        archive = Path(shutil.make_archive(str(self.folder / "function"), "zip", folder))
        self.client("lambda").update_function_code(
            FunctionName=self.function_name, ZipFile=archive.read_bytes()
        )

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file of the user's."""
        file = self.folder / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return file

    def put_list(self, key: str, content: str | bytes) -> dict[str, str]:
        """Put an object into the lists bucket, past the loader; returns the input that names it."""
        body = content.encode() if isinstance(content, str) else content
        self.client("s3").put_object(Bucket=self.outputs["ListsBucketName"], Key=key, Body=body)
        return {"key": key}

    def read_result(self, key: str) -> Any:
        """Read a JSON document of the results bucket."""
        answer = self.client("s3").get_object(Bucket=self.outputs["ResultsBucketName"], Key=key)
        return json.load(answer["Body"])

    def map_run(self, execution_arn: str) -> dict[str, Any]:
        """Describe the Map Run of an execution."""
        client = self.client("stepfunctions")
        (listed,) = client.list_map_runs(executionArn=execution_arn)["mapRuns"]
        described: dict[str, Any] = client.describe_map_run(mapRunArn=listed["mapRunArn"])
        return described


def json_lines(items: list[Any]) -> str:
    return "".join(f"{json.dumps(item, ensure_ascii=False)}\n" for item in items)
