"""How data moves: paths, templates, variables, JSONata, and AWS's words for what cannot be resolved."""

from collections.abc import Callable
from typing import Any

import pytest
from state_machines import StepFunctions, details_of, machine, map_over

LOCATED = "An error occurred while executing the state '{}' (entered at the event id #{}). "


@pytest.fixture(scope="module")
def states(new_account: Callable[[], dict[str, str]]) -> StepFunctions:
    return StepFunctions(new_account())


@pytest.mark.parametrize(
    ("fields", "data", "expected"),
    [
        ({"InputPath": "$.a"}, {"a": {"b": 1}}, {"b": 1}),
        ({"InputPath": None}, {"a": 1}, {}),
        ({"Parameters": {"x.$": "$.a", "y": "$.a"}}, {"a": 1}, {"x": 1, "y": "$.a"}),
        ({"Parameters": {"list": [{"x.$": "$.a"}, 2]}}, {"a": 1}, {"list": [{"x": 1}, 2]}),
        ({"Parameters": {"all.$": "$.a[*].n"}}, {"a": [{"n": 1}, {"n": 2}]}, {"all": [1, 2]}),
        ({"Parameters": {"some.$": "$.a[?(@.n > 1)]"}}, {"a": [{"n": 1}, {"n": 2}]}, {"some": [{"n": 2}]}),
        ({"Parameters": {"last.$": "$.a[-1]"}}, {"a": [1, 2]}, {"last": 2}),
        ({"Parameters": {"key.$": "$['a b']"}}, {"a b": "ü"}, {"key": "ü"}),
        ({"Result": {"r": 1}, "ResultPath": "$.a.b"}, {"a": {"c": 2}}, {"a": {"c": 2, "b": {"r": 1}}}),
        ({"Result": 1, "ResultPath": None}, {"a": 2}, {"a": 2}),
        ({"OutputPath": "$.a"}, {"a": [1]}, [1]),
        (
            {"Parameters": {"x.$": "States.Format('{} and {}', $.a, $.b)"}},
            {"a": True, "b": None},
            {"x": "true and null"},
        ),
        ({"Parameters": {"x.$": "States.MathAdd($.a, 1)"}}, {"a": 1.5}, {"x": 3}),
        ({"Parameters": {"x.$": "States.ArrayLength(States.Array($.a, 'b'))"}}, {"a": 1}, {"x": 2}),
    ],
)
def test_jsonpath(states: StepFunctions, fields: dict[str, Any], data: Any, expected: Any) -> None:
    assert states.run(machine(Shape={"Type": "Pass", **fields}), data).output == expected


@pytest.mark.parametrize(
    ("state", "data", "cause"),
    [
        (
            {"Type": "Pass", "Parameters": {"x.$": "$.gone"}},
            {},
            "The JSONPath '$.gone' specified for the field 'x.$' could not be found in the input '{}'",
        ),
        (
            {"Type": "Pass", "InputPath": "$.gone"},
            {},
            "Invalid path '$.gone' : No results for path: $['gone']",
        ),
        (
            {"Type": "Pass", "OutputPath": "$.a.b.c"},
            {"a": {}},
            "Invalid path '$.a.b.c' : Missing property in path $['a']['b']",
        ),
        (
            {"Type": "Fail", "ErrorPath": "$.gone"},
            {},
            "The JSONPath '$.gone' specified for the field 'ErrorPath' could not be found in the input '{}'",
        ),
        (
            {"Type": "Wait", "SecondsPath": "$.gone"},
            {},
            "The SecondsPath parameter does not reference an input value: $.gone",
        ),
        (
            {"Type": "Wait", "TimestampPath": "$.t"},
            {"t": "2016-12-05 21:29:29Z"},
            (
                "The TimestampPath parameter does not reference a valid ISO-8601 extended offset date-time "
                "format string: $.t == 2016-12-05 21:29:29Z"
            ),
        ),
        (
            map_over(machine(Keep={"Type": "Pass"}), MaxConcurrencyPath="$.c", ItemsPath="$.items"),
            {"items": [1], "c": "many"},
            'The MaxConcurrencyPath field refers to value "many" which is not a valid integer: $.c',
        ),
        (
            map_over(machine(Keep={"Type": "Pass"}), MaxConcurrencyPath="$.c", ItemsPath="$.items"),
            {"items": [1], "c": -5},
            "MaxConcurrency must be a whole number from 0 but was: -5",
        ),
    ],
)
def test_what_cannot_be_resolved(states: StepFunctions, state: dict[str, Any], data: Any, cause: str) -> None:
    """States.Runtime, from the state's Entered event straight to the end, and nothing catches it."""
    catch = {"Catch": [{"ErrorEquals": ["States.ALL", "States.Runtime"], "Next": "Mend"}]}
    caught = {**state, "End": True, **(catch if state["Type"] == "Map" else {})}
    outcome = states.run(machine(Try=caught, Mend={"Type": "Pass"}), data)
    assert (outcome.status, outcome.error) == ("FAILED", "States.Runtime")
    assert outcome.cause == LOCATED.format("Try", 2) + cause
    assert outcome.sequence[-1] == ("ExecutionFailed", 2)


def test_no_rule_matches(states: StepFunctions) -> None:
    choice = {"Type": "Choice", "Choices": [{"Variable": "$.n", "NumericEquals": 1, "Next": "End"}]}
    outcome = states.run(machine(Decide=choice, End={"Type": "Succeed"}), {"n": "1"})
    assert outcome.error == "States.NoChoiceMatched"
    assert str(outcome.cause).startswith(LOCATED.format("Decide", 2))


@pytest.mark.parametrize(
    ("rule", "data", "holds"),
    [
        ({"Variable": "$.v", "StringMatches": "a*\\*"}, {"v": "abc*"}, True),
        ({"Variable": "$.v", "StringMatches": "a*\\*"}, {"v": "abc"}, False),
        ({"Variable": "$.v", "StringLessThanPath": "$.w"}, {"v": "a", "w": "b"}, True),
        ({"Variable": "$.v", "NumericGreaterThanEqualsPath": "$.w"}, {"v": 2, "w": 2}, True),
        ({"Variable": "$.v", "NumericEquals": 1}, {"v": True}, False),
        ({"Variable": "$.v", "BooleanEqualsPath": "$.w"}, {"v": True, "w": True}, True),
        (
            {"Variable": "$.v", "TimestampLessThan": "2020-01-01T00:00:00Z"},
            {"v": "2019-12-31T23:59:59Z"},
            True,
        ),
        (
            {"Variable": "$.v", "TimestampEquals": "2020-01-01T01:00:00+01:00"},
            {"v": "2020-01-01T00:00:00Z"},
            True,
        ),
        ({"Variable": "$.v", "IsPresent": False}, {}, True),
        ({"Variable": "$.v", "IsNull": True}, {"v": None}, True),
        ({"Variable": "$.v", "IsTimestamp": True}, {"v": "2020-01-01"}, False),
        ({"Not": {"Variable": "$.v", "IsString": True}}, {"v": 1}, True),
        (
            {"Or": [{"Variable": "$.v", "IsNull": True}, {"Variable": "$.v", "IsNumeric": True}]},
            {"v": 1},
            True,
        ),
        (
            {"And": [{"Variable": "$.v", "IsPresent": True}, {"Variable": "$.v", "IsBoolean": True}]},
            {"v": 1},
            False,
        ),
    ],
)
def test_choice_rules(states: StepFunctions, rule: dict[str, Any], data: Any, *, holds: bool) -> None:
    choice = {"Type": "Choice", "Choices": [{**rule, "Next": "Yes"}], "Default": "No"}
    yes, no = ({"Type": "Pass", "Result": result, "End": True} for result in (True, False))
    assert states.run(machine(Decide=choice, Yes=yes, No=no), data).output is holds


def test_context_object(states: StepFunctions) -> None:
    outcome = states.run(machine(Look={"Type": "Pass", "Parameters": {"context.$": "$$"}}), {"n": 1})
    context = outcome.output["context"]
    assert set(context) == {"Execution", "State", "StateMachine"}
    assert context["Execution"]["Id"] == outcome.arn
    assert context["Execution"]["Input"] == {"n": 1}
    assert set(context["Execution"]) == {"Id", "Input", "Name", "RoleArn", "StartTime", "RedriveCount"}
    assert set(context["State"]) == {"EnteredTime", "Name"}


def test_item_selector(states: StepFunctions) -> None:
    each = map_over(
        machine(Keep={"Type": "Pass"}),
        ItemsPath="$.items",
        ItemSelector={"item.$": "$$.Map.Item.Value", "index.$": "$$.Map.Item.Index", "common.$": "$.common"},
    )
    outcome = states.run(machine(Each=each), {"items": ["a", "b"], "common": 7})
    assert outcome.output == [{"item": "a", "index": 0, "common": 7}, {"item": "b", "index": 1, "common": 7}]


def test_variables_reach_inwards_and_not_outwards(states: StepFunctions) -> None:
    each = map_over(
        machine(
            Set={"Type": "Pass", "Assign": {"inner.$": "$", "outer": "changed inside"}},
            Show={"Type": "Pass", "Parameters": {"seen.$": "States.Array($inner, $outer)"}},
        )
    )
    definition = machine(
        Begin={"Type": "Pass", "Assign": {"outer": "set outside"}},
        Each=each,
        Show={"Type": "Pass", "Parameters": {"outer.$": "$outer", "items.$": "$"}},
    )
    outcome = states.run(definition, ["a"])
    assert outcome.output == {"outer": "set outside", "items": [{"seen": ["a", "changed inside"]}]}
    assert details_of(outcome.events[2])["assignedVariables"] == {"outer": '"set outside"'}


def test_jsonata(states: StepFunctions) -> None:
    definition = {
        "QueryLanguage": "JSONata",
        **machine(
            Begin={"Type": "Pass", "Assign": {"factor": "{% $states.input.f %}"}},
            Each=map_over(
                machine(
                    Scale={"Type": "Pass", "Output": "{% $states.input.n * $factor %}"},
                ),
                Items="{% $states.input.items %}",
                ItemSelector={"n": "{% $states.context.Map.Item.Value %}"},
                Output={"scaled": "{% $states.result %}", "text": "{% plain"},
            ),
        ),
    }
    outcome = states.run(definition, {"items": [1, 2], "f": 10})
    assert outcome.output == {"scaled": [10, 20], "text": "{% plain"}


@pytest.mark.parametrize("items", [[], ["one"], [["one"]], [[]], [None]])
def test_jsonata_keeps_lists_as_they_are(states: StepFunctions, items: list[Any]) -> None:
    each = map_over(machine(Keep={"Type": "Pass"}), Items="{% $states.input.items %}")
    assert states.run({"QueryLanguage": "JSONata", **machine(Each=each)}, {"items": items}).output == items


@pytest.mark.parametrize(
    ("state", "location", "cause"),
    [
        (
            {"Type": "Pass", "Output": {"x": "{% $gone %}"}},
            "Output/x",
            "The JSONata expression '$gone' specified for the field 'Output/x' returned nothing (undefined).",
        ),
        (
            map_over(machine(Keep={"Type": "Pass"}), Items="{% 1 %}"),
            "Items",
            (
                "The JSONata expression '1' specified for the field 'Items' returned an unexpected result "
                "type. Expected 'array', but was 'number' for value: 1"
            ),
        ),
    ],
)
def test_jsonata_failure(states: StepFunctions, state: dict[str, Any], location: str, cause: str) -> None:
    """EvaluationFailed points back past the Entered event of a state that has done nothing yet."""
    outcome = states.run({"QueryLanguage": "JSONata", **machine(Try=state)})
    assert outcome.error == "States.QueryEvaluationError"
    assert outcome.cause == LOCATED.format("Try", 2) + cause
    assert outcome.sequence[2] == ("EvaluationFailed", 0)
    assert outcome.details("EvaluationFailed")[0]["location"] == location


@pytest.mark.parametrize(
    "endless",
    [
        "{% ($f := function($n) { $f($n + 1) }; $f(0)) %}",
        "{% $match('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!', /^(a+)+$/) %}",
    ],
)
def test_endless_jsonata_ends(states: StepFunctions, endless: str) -> None:
    outcome = states.run({"QueryLanguage": "JSONata", **machine(Try={"Type": "Pass", "Output": endless})})
    assert outcome.error == "States.QueryEvaluationError"


def test_query_language_of_one_state(states: StepFunctions) -> None:
    both = machine(
        One={"Type": "Pass", "Parameters": {"n.$": "$.a"}},
        Other={"Type": "Pass", "QueryLanguage": "JSONata", "Output": "{% $states.input.n + 1 %}"},
    )
    assert states.run(both, {"a": 1}).output == 2
