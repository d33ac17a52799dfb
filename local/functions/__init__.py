"""Python functions as AWS Lambda runs them: what MiniStack's execution environments lack."""
