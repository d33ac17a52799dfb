"""The queue fan-in workflow: a dropped list goes through a queue, and a table counts what comes back."""
