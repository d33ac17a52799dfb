"""The throttled Map workflow: a Distributed Map whose marked items go through a queue."""
