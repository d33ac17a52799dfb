"""The one data file of AWS's prices and quotas: each figure says what it is, and every region has all."""

import json
import re

import pytest

from utils import aws_figures

CONTENT = json.loads(aws_figures.FILE.read_text(encoding="utf-8"))
FIGURES = {**CONTENT["prices"], **CONTENT["quotas"]}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_has_its_unit_its_source_and_its_date(name):
    figure = FIGURES[name]
    assert set(figure) == {"value", "unit", "source", "date"}
    assert figure["unit"]
    assert figure["source"]
    assert re.fullmatch(r"20\d\d-[01]\d-[0-3]\d", figure["date"])


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_that_differs_has_every_region(name):
    value = FIGURES[name]["value"]
    assert not isinstance(value, dict) or list(value) == aws_figures.regions()


def test_a_region_that_is_not_known_has_no_price():
    with pytest.raises(KeyError):
        aws_figures.price("dynamodbWriteUnit", "mars-1")


def test_figures_of_a_region():
    assert aws_figures.price("logsGb") == 0.5
    assert aws_figures.price("logsGb", "eu-central-1") == 0.63
    assert aws_figures.quota("transitionsPerSecond", "eu-central-1") == 800
    assert aws_figures.quota("historyEvents", "eu-central-1") == 25_000
