"""Distributed Map: a list read in a stream, its items in child executions, their results in a bucket."""
