"""Builds the histories of orders and of batches, with the states and the data of their state machines."""

import json

from history_builder import HistoryBuilder, lambda_cause

ORDER_ID = "12345680"
TOKEN = "AQCkAAAAKgAAAAMAAAAA-the-secret-token"
AGILE = {"productName": "Agile Software Development", "category": "book", "price": 60.0, "quantity": 1}
ART = {"productName": "The Art of Computer Programming", "category": "book", "price": 45.55, "quantity": 2}

RAW_ORDER = {
    "orderId": ORDER_ID,
    "orderDate": "20190820101213",
    "detail": {
        "customerId": "1234",
        "deliveryAddress": "123, Seattle, WA",
        "deliverySpeed": "1-day",
        "paymentMethod": "aCreditCard",
        "items": [AGILE, ART],
    },
}
LINES = [{**AGILE, "index": 0, "amount": 60.0}, {**ART, "index": 1, "amount": 91.1}]
ORDER = {"orderId": ORDER_ID, "orderDate": "20190820101213", "customerId": "1234", "items": LINES}

NO_STOCK = "The Art of Computer Programming: 2 wanted, 0 in stock"


def outcome(status="PARTLY_SHIPPED", *, charged=60.0, reason=None, ships=True, others=True):
    """Build what the order was closed with."""
    shipped = {"productName": AGILE["productName"], "quantity": 1, "amount": 60.0, "trackingId": "T-1"}
    missing = {"productName": ART["productName"], "quantity": 2, "amount": 91.1, "reason": NO_STOCK}
    return {
        "orderId": ORDER_ID,
        "customerId": "1234",
        "status": status,
        "ships": [shipped] if ships else [],
        "doesNotShip": [missing] if others else [],
        "charged": charged,
        "reason": reason,
    }


class OrderHistory(HistoryBuilder):
    """Of one order, from its check on."""

    def __init__(self, execution_input=RAW_ORDER):
        super().__init__()
        self.events[0]["executionStartedEventDetails"]["input"] = json.dumps(execution_input)

    def step(self, name, output):
        """Let a step that is not an item's run well."""
        self.event("TaskStateEntered", {"name": name, "input": "{}"})
        self.event("TaskScheduled", {"resource": "invoke", "parameters": "{}", "timeoutInSeconds": 65})
        self.event("TaskStarted", {"resource": "invoke"})
        self.at += 0.1
        self.event("TaskSucceeded", {"resource": "invoke", "output": json.dumps({"Payload": output})})
        self.event("TaskStateExited", {"name": name, "output": json.dumps(output)})

    def check(self, output=None):
        """Check the order and validate its payment."""
        self.step("Check Order", output or {"order": ORDER})
        self.step("Validate Payment", {"accepted": True})

    def wait_for_approval(self):
        """Ask for an approval, with a token in the task's parameters, as AWS records it."""
        payload = {"order": ORDER, "token": TOKEN, "timeoutSeconds": 86_400}
        self.event("TaskStateEntered", {"name": "Wait For Approval", "input": "{}"})
        self.event(
            "TaskScheduled",
            {
                "resource": "invoke.waitForTaskToken",
                "parameters": json.dumps({"FunctionName": "request", "Payload": payload}),
                "timeoutInSeconds": 86_400,
            },
        )
        self.event("TaskStarted", {"resource": "invoke.waitForTaskToken"})
        self.event("TaskSubmitted", {"resource": "invoke.waitForTaskToken", "output": "{}"})

    def answer(self, decision):
        """Answer, and record it."""
        self.event("TaskSucceeded", {"resource": "invoke.waitForTaskToken", "output": json.dumps(decision)})
        self.event("TaskStateExited", {"name": "Wait For Approval", "output": json.dumps(decision)})
        self.step("Record Decision", decision)

    def fulfil(self):
        """Ship the first item, and find the second out of stock."""
        self.step("Charge Payment", {"accepted": True, "charged": 151.1})
        self.map(2, "Fulfil Items")
        for line in LINES:
            self.start(line["index"])
            self.enter(line["index"], name="Check Availability", state_input={"item": line})
            self.schedule(line["index"])
        fields = ("index", "productName", "quantity", "amount")
        first, second = ({field: line[field] for field in fields} for line in LINES)
        self.at += 0.2
        self.exit(0, name="Start Delivery", output=first | {"packageId": "P-1", "trackingId": "T-1"})
        self.end(0)
        self.fail_task(1, "OutOfStock", lambda_cause(NO_STOCK, "OutOfStock"))
        error = {"name": "OutOfStock", "message": NO_STOCK}
        self.exit(1, "Pass", "Record Failure", output=second | {"status": "failed", "error": error})
        self.end(1)
        self.event("MapStateSucceeded")
        self.event("MapStateExited", {"name": "Fulfil Items", "output": "[]"})

    def close(self, closed, *, fail=None):
        """Close the order and tell the customer; ``fail`` are error and cause of the whole order."""
        self.step("Close Order", closed | {"subject": "Your order", "message": "Dear customer, …"})
        self.step("Notify Customer", closed)
        if fail:
            return self.give_up("Order Failed", *fail)
        self.event("ExecutionSucceeded", {"output": json.dumps(closed)})
        return self.events

    def give_up(self, state, error, cause):
        """End in a Fail state."""
        self.event("FailStateEntered", {"name": state, "input": "{}"})
        self.event("ExecutionFailed", {"error": error, "cause": cause})
        return self.events


class BatchHistory(HistoryBuilder):
    """Of three orders, of which only the first succeeds."""

    orders = (RAW_ORDER, {**RAW_ORDER, "orderId": "bad", "detail": {}}, {"orderId": 3})
    child_arn = "arn:aws:states:eu-west-1:111122223333:execution:Orders:"

    def run(self):
        """Run the whole batch; returns the events."""
        rows = [
            {
                "index": 0,
                "orderId": ORDER_ID,
                "status": "succeeded",
                "result": {"orderId": ORDER_ID, "status": "PARTLY_SHIPPED", "charged": 60},
            },
            {
                "index": 1,
                "orderId": "bad",
                "status": "failed",
                "error": {"name": "OrderInvalid", "message": "detail.customerId is missing"},
            },
            {
                "index": 2,
                "orderId": None,
                "status": "failed",
                "error": {"name": "OrderInvalid", "message": "orderId = 3"},
            },
        ]
        self.event("MapStateEntered", {"name": "Run Orders", "input": json.dumps({"items": self.orders})})
        self.map_name = "Run Orders"
        self._map_started = self.event("MapStateStarted", {"length": 3})
        for row, order in zip(rows, self.orders, strict=True):
            self._run_order(row, order)
        self.event("MapStateSucceeded")
        totals = {"items": 3, "succeeded": 1, "failed": 2, "errors": {"OrderInvalid": 2}}
        summary = totals | {"statuses": {"PARTLY_SHIPPED": 1}, "orders": rows}
        self.event("MapStateExited", {"name": "Run Orders", "output": json.dumps(summary)})
        self.event("ExecutionSucceeded", {"output": json.dumps(summary)})
        return self.events

    def _run_order(self, row, order):
        index = row["index"]
        self.start(index)
        self.enter(
            index, name="Run Order", state_input={"item": order, "index": index, "orderId": row["orderId"]}
        )
        self.schedule(index)
        child = json.dumps({"ExecutionArn": f"{self.child_arn}{row['orderId']}", "StartDate": "…"})
        self.item(index, "TaskSubmitted", {"resource": "startExecution.sync:2", "output": child})
        self.at += 1
        self.exit(index, name="Run Order", output=row)
        self.end(index)
