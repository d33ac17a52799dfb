"""The stack of the queue fan-in workflow: buckets, tables, queues, and the functions between them."""

from aws_cdk import CfnOutput, Stack
from constructs import Construct

from stacks.config import Config
from stacks.queue_fan_in.alarms import FanInAlarms
from stacks.queue_fan_in.functions import FanInFunctions
from stacks.queue_fan_in.resources import Resources
from stacks.queue_fan_in.triggers import connect


class QueueFanInStack(Stack):
    """Runs the item processor over each list that is dropped into a bucket, without Step Functions."""

    def __init__(self, scope: Construct, id_: str, *, config: Config) -> None:
        description = "Process each item of a dropped list through a queue, and put the results in order"
        super().__init__(scope, id_, description=description)
        fan_in = config.queueFanIn
        resources = Resources(self, config=fan_in, production=config.production)
        functions = FanInFunctions(self, config=fan_in, production=config.production, resources=resources)
        connect(self, config=fan_in, functions=functions, resources=resources)
        FanInAlarms(self, "Alarms", config=fan_in, functions=functions, resources=resources)
        CfnOutput(self, "ListsBucketName", value=resources.lists.bucket_name)
        CfnOutput(self, "ResultsBucketName", value=resources.results.bucket_name)
        CfnOutput(self, "JobsTableName", value=resources.jobs_table.table_name)
        CfnOutput(self, "ResultsTableName", value=resources.results_table.table_name)
        CfnOutput(self, "QueueUrl", value=resources.queue.queue_url)
        CfnOutput(self, "DeadLetterQueueUrl", value=resources.dead_letters.queue_url)
