"""The child executions of a Map Run."""

from typing import TYPE_CHECKING, Any

from ministack.core.responses import get_account_id, get_region, new_uuid
from ministack.services import stepfunctions

from local.states.branch import Branch
from local.states.clock import now
from local.states.distributed.child_inputs import ChildInput
from local.states.distributed.settings import ChildWorkflow

if TYPE_CHECKING:
    from local.states.executions import Execution


class Child:
    """One child execution.

    Attributes
    ----------
    number
        Its place among the children, from 0.
    items
        How many items it has.
    record
        What DescribeExecution and ListExecutions say of it.
    """

    def __init__(self, number: int, items: int, record: dict[str, Any], family: "Family") -> None:
        self.number = number
        self.items = items
        self.record = record
        self._family = family
        self._execution: Execution | None = None
        self._ended = ""

    async def run(self) -> None:
        """Run to the end; a STANDARD child that ran before goes on from where it stopped."""
        self.record |= {"status": "RUNNING", "stopDate": None}
        self.record.pop("error", None), self.record.pop("cause", None)
        if self._execution is not None and not self._family.workflow.express:
            self.record |= {"redriveCount": self.record["redriveCount"] + 1, "redriveDate": now()}
            await self._execution.redrive()
            return
        self.record["startDate"] = now()
        self._execution = self._family.branch.execution.make_child(self.record, self._family.workflow)
        await self._execution.run()

    def await_redrive(self) -> None:
        """Be as one that did not succeed and waits for its turn to run again."""
        self._ended = self.record["status"]
        self.record["status"] = "PENDING_REDRIVE"

    def miss_redrive(self) -> None:
        """Be again as it was: the Map Run has ended before its turn came."""
        self.record["status"] = self._ended

    def stop(self) -> None:
        """Abort it."""
        if self._execution is not None:
            self._execution.stop(None, None)

    def forget(self) -> None:
        """Keep of an EXPRESS child, which cannot be described, only what lists it."""
        self._execution = None
        if self._family.workflow.express:
            del self.record["input"], self.record["output"]


class Family:
    """What the children of one Map Run have in common."""

    def __init__(self, branch: Branch, label: str, map_run_arn: str, workflow: ChildWorkflow) -> None:
        self.branch = branch
        self.workflow = workflow
        self._map_run_arn = map_run_arn
        name = f"{root_name(branch)}/{label}"
        region_and_account = f"{get_region()}:{get_account_id()}"
        self.state_machine_arn = f"arn:aws:states:{region_and_account}:stateMachine:{name}"
        kind = "express" if workflow.express else "execution"
        self._arn_prefix = f"arn:aws:states:{region_and_account}:{kind}:{name}:"
        self.records: list[dict[str, Any]] = []

    def make(self, child_input: ChildInput) -> Child:
        """Make a child that can be started."""
        child = Child(len(self.records), child_input.items, self.describe_pending(child_input), self)
        self.records.append(child.record)
        if not self.workflow.express:
            stepfunctions._executions[child.record["executionArn"]] = child.record
        return child

    def describe_pending(self, child_input: ChildInput) -> dict[str, Any]:
        """The record of a child that has not been started."""
        name = new_uuid()
        suffix = f":{new_uuid()}" if self.workflow.express else ""
        return {
            "executionArn": f"{self._arn_prefix}{name}{suffix}",
            "stateMachineArn": self.state_machine_arn,
            "mapRunArn": self._map_run_arn,
            "name": name,
            "status": "PENDING",
            "stopDate": None,
            "input": child_input.text,
            "output": None,
            "itemCount": child_input.items,
            "redriveCount": 0,
            "express": self.workflow.express,
            "events": [],
        }


def root_name(branch: Branch) -> str:
    """The name of the state machine at the top of nested Map Runs."""
    name: str = branch.context["StateMachine"]["Name"]
    return name.partition("/")[0]
