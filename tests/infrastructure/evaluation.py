"""Evaluates JSONata as Step Functions does."""

import json

import jsonata


def evaluate(expression, **states):
    """Evaluate an expression to which nothing but ``$states`` is known; ``$parse`` reads JSON."""
    compiled = jsonata.Jsonata.jsonata(expression)
    compiled.register_lambda("parse", json.loads)
    return compiled.evaluate(None, {"states": states})
