"""The API against its own OpenAPI document: what it allows and forbids is answered as it says.

Flows and the connectors on a Prefect server are played here; everything before and after them is real.
"""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis.errors import Unsatisfiable
from hypothesis.strategies import SearchStrategy
from schemathesis import GenerationMode
from schemathesis.schemas import BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance
from starlette.testclient import TestClient

from rollback_drills_api import approval_bodies, bodies
from rollback_drills_api.app import build_app
from rollback_drills_api.docs_page import read_operations
from rollback_drills_api.options import ApiOptions
from tests.api.conftest import Keys
from tests.api.played_flows import play_flows
from tests.samples.examples import examples

EXAMPLES = examples(25)


@pytest.fixture
def played(options: ApiOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play the flows."""
    monkeypatch.setattr("rollback_drills_api.flow_runs.run_embedded", play_flows(options))
    # which would ask a Prefect server that would have to start first
    monkeypatch.setattr("rollback_drills_api.delivery.find_connectors", lambda: frozenset({"webhook"}))


DOCUMENT = build_app(ApiOptions(list)).openapi()
"""It takes half a second to make, and no option changes it."""


@pytest.fixture
def described(options: ApiOptions, keys: Keys, played: None) -> Iterator[BaseSchema]:
    """Read the document."""
    app = build_app(options)
    with TestClient(app):  # starts it
        document = schemathesis.openapi.from_dict(deepcopy(DOCUMENT))
        document.app = app
        yield document


OPERATIONS = [(path, method) for path, operations in DOCUMENT["paths"].items() for method in operations]


def test_no_option_changes_the_document(options: ApiOptions) -> None:
    assert build_app(options).openapi() == DOCUMENT


def test_every_field_is_explained() -> None:
    fields = [(each.path, field) for each in read_operations(DOCUMENT) for field in each.fields]
    assert not [(path, field.name) for path, field in fields if not field.text and field.place != "path"]


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_every_answer_is_described(described: BaseSchema, keys: Keys, path: str, method: str) -> None:
    operation = described[path][method]
    for mode in GenerationMode:
        try:
            check_answers(operation.as_strategy(generation_mode=mode), keys)
        except Unsatisfiable:  # there is nothing that an operation without parameters forbids
            assert mode is GenerationMode.NEGATIVE


def check_answers(cases: SearchStrategy[schemathesis.Case[Any]], keys: Keys) -> None:
    """Send requests, and compare each answer with what is described."""

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(case=cases)
    def check(case: schemathesis.Case[Any]) -> None:
        # The tool takes a token away again only where the name of the header is written like this.
        headers = {"Authorization": keys.header("adminer")["authorization"], "host": "localhost"}
        # That of a schedule, a plan or a day there may be none: the rules refuse more than a schema can say.
        case.call_and_validate(headers=headers, excluded_checks=[positive_data_acceptance])

    check()


def find_schema(document: Mapping[str, Any], schema: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the name of a schema that is referred to, and what it says."""
    name: str = schema["$ref"].rpartition("/")[2]
    return name, document["components"]["schemas"][name]


def test_every_operation_has_examples_and_describes_its_problems() -> None:
    operations = [each for path in DOCUMENT["paths"].values() for each in path.values()]
    assert len(operations) == 31
    for operation in operations:
        answers = operation["responses"]
        assert {"200", "401", "403", "422", "429", "500", "503"} <= set(answers), operation["operationId"]
        assert operation["summary"]
        if body := operation.get("requestBody"):
            name, schema = find_schema(DOCUMENT, body["content"]["application/json"]["schema"])
            assert schema["examples"]
            for example in schema["examples"]:
                of_it: type[bodies.Body] = getattr(bodies, name, None) or getattr(approval_bodies, name)
                of_it.model_validate(example)
        for status, answer in answers.items():
            ((media_type, content),) = answer["content"].items()
            assert content["example"]
            assert (media_type == "application/problem+json") == (status not in ("200", "201"))
