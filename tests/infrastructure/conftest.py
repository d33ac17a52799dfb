"""Stacks synthesized in the test's own process, each configuration once."""

import json
import os
from functools import cache
from pathlib import Path

import pytest

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
# CDK's own rules take ten seconds in each process of tests; test_app.py has the app pass them. cdk-nag stays.
os.environ.setdefault("CDK_VALIDATION", "false")

from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks

from stacks.config import Config

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def synthesize(tmp_path_factory):
    """Return a function that gives the template of a stack with a configuration; cdk-nag has passed it."""

    @cache
    def synthesize_once(stack, config_text):
        context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
        app = App(outdir=str(tmp_path_factory.mktemp("cdk.out")), context=context)
        Validations.of(app).add_plugins(AwsSolutionsChecks(app))
        stack(app, stack.__name__, config=Config.model_validate_json(config_text))
        return app.synth().get_stack_by_name(stack.__name__).template

    return lambda stack, config=None: synthesize_once(stack, json.dumps(config or {}))
