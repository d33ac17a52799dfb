"""The Distributed Map workflow: a list in S3, batches in child workflow executions."""
