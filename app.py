"""The CDK app: one stack for each workflow that config.json names. Run by ``npx cdk``."""

import os
import sys
from pathlib import Path

from stacks.config import ConfigError, load_config

CONFIG_FILE = Path(__file__).with_name("config.json")


def main() -> None:
    """Synthesize the stacks, or say in one line what config.json has wrong."""
    try:
        config = load_config(CONFIG_FILE)
    except ConfigError as error:
        sys.exit(str(error))
    # The major version for which jsii keeps back its banner; Node 20 is the oldest that this project takes.
    os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
    # Imported here, so that a mistake in config.json does not wait for the seconds that aws_cdk takes.
    from aws_cdk import App  # noqa: PLC0415

    from stacks.distributed_map.stack import DistributedMapStack  # noqa: PLC0415
    from stacks.fan_out.stack import FanOutStack  # noqa: PLC0415
    from stacks.order_processing.stack import OrderProcessingStack  # noqa: PLC0415
    from stacks.queue_fan_in.stack import QueueFanInStack  # noqa: PLC0415
    from stacks.throttled_map.stack import ThrottledMapStack  # noqa: PLC0415

    stacks = {
        "fanOut": FanOutStack,
        "distributedMap": DistributedMapStack,
        "throttledMap": ThrottledMapStack,
        "orderProcessing": OrderProcessingStack,
        "queueFanIn": QueueFanInStack,
    }
    app = App()
    for workflow in config.workflows:
        stack = stacks[workflow]
        stack(app, stack.__name__, config=config)
    app.synth()


if __name__ == "__main__":
    main()
