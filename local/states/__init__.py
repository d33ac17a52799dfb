"""The control flow of AWS Step Functions: what MiniStack's executions lack."""
