"""The fan-out workflow: a list in one DynamoDB item, an inline Map."""
