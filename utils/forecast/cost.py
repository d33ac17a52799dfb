"""What a usage costs, by service, without any free allowance."""

from dataclasses import asdict, dataclass

from utils.aws_figures import DEFAULT_REGION, price, tiered_dollars
from utils.forecast.usage import Usage
from utils.forecast.words import LEAST_DOLLARS, dollars_text

GB = 1000**3
SERVICES = {
    "stepFunctions": "Step Functions",
    "lambda": "Lambda",
    "dynamodb": "DynamoDB",
    "sqs": "SQS",
    "s3": "S3",
    "logs": "Logs",
    "xray": "X-Ray",
}


@dataclass(frozen=True)
class Dollars:
    """US dollars by service; the names are those of the JSON output."""

    stepFunctions: float  # noqa: N815 - as in the JSON output
    lambda_: float
    dynamodb: float
    sqs: float
    s3: float
    logs: float
    xray: float

    @property
    def total(self) -> float:
        """Sum of all services."""
        return sum(self.by_service().values())

    def by_service(self) -> dict[str, float]:
        """Return each service's dollars, without a total."""
        return {name.rstrip("_"): value for name, value in asdict(self).items()}


def price_usage(usage: Usage, region: str = DEFAULT_REGION) -> Dollars:
    """Price a usage at a region's prices; KeyError for a region that is not known."""
    express = usage.express_requests * price("expressRequest", region)
    express += tiered_dollars("expressGbSecond", region, usage.express_gb_seconds)
    gb_second = {"x86_64": "lambdaGbSecondX86", "arm64": "lambdaGbSecondArm"}
    computing = sum(
        seconds * price(gb_second[architecture], region) for architecture, seconds in usage.gb_seconds.items()
    )
    return Dollars(
        stepFunctions=usage.transitions * price("stateTransition", region) + express,
        lambda_=usage.invocations * price("lambdaRequest", region) + computing,
        dynamodb=usage.read_units * price("dynamodbReadUnit", region)
        + usage.write_units * price("dynamodbWriteUnit", region),
        sqs=usage.queue_requests * price("sqsRequest", region),
        s3=usage.puts * price("s3Put", region) + usage.gets * price("s3Get", region),
        logs=usage.log_bytes / GB * price("logsGb", region),
        xray=usage.traces * price("xrayTrace", region),
    )


def services_text(dollars: Dollars) -> str:
    """Write the dollars of each service that costs anything that is worth writing."""
    costs = {SERVICES[name]: value for name, value in dollars.by_service().items()}
    return ", ".join(
        f"{name} {dollars_text(value)}" for name, value in costs.items() if value >= LEAST_DOLLARS
    )
