"""Evaluates JSONata as Step Functions does."""

import hashlib
import json

import jsonata
from jsonata.utils import Utils


def evaluate(expression, variables=None, /, **states):
    """Evaluate an expression to which nothing but ``$states`` and the variables of a workflow is known.

    Of the functions that Step Functions adds, it knows ``$parse``, which reads JSON, and ``$hash``.
    """
    compiled = jsonata.Jsonata.jsonata(expression)
    compiled.register_lambda("parse", json.loads)
    compiled.register_lambda("hash", lambda text, name: hashlib.new(name, text.encode()).hexdigest())
    bound = {name: Utils.NULL_VALUE if it is None else it for name, it in (variables or {}).items()}
    return compiled.evaluate(None, {**bound, "states": states})
