"""The API against its own OpenAPI document: what it allows and forbids is answered as it says.

Flows and the connectors on a Prefect server are played here; everything before and after them is real.
"""

from collections.abc import Iterator, Mapping, Sequence
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

from rollback_drills.database.connections import Database
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.followup.acknowledgement import Acknowledgement, AcknowledgementState
from rollback_drills.followup.bulk_acknowledgement import acknowledge
from rollback_drills.followup.exception_grants import grant_exception
from rollback_drills.followup.exceptions import ExceptionKind, Grant
from rollback_drills.followup.route_choice import RouteChoice
from rollback_drills.readiness.terms import Report
from rollback_drills_api import bodies
from rollback_drills_api.app import build_app
from rollback_drills_api.options import ApiOptions
from rollback_drills_api.running import Ran
from tests.api.conftest import Keys
from tests.samples.builders import NOW, open_key
from tests.samples.examples import examples

EXAMPLES = examples(25)
RUN = "0691f5a2-8a0e-7f3c-8000-2b1c5d8e9f01"


@pytest.fixture
def played(options: ApiOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    """Play the flows: a delivery tells nobody, acknowledgements and exceptions are written down."""

    def write(records: Sequence[Report]) -> Ran:
        database = Database.open(options.database_url)
        append(database, [{**each, "flow_run_id": RUN} for each in records], open_key)
        database.engine.dispose()
        return Ran(RUN, "done", is_completed=True, result=None)

    def play(name: str, parameters: Mapping[str, Any], *, timeout_seconds: float) -> Ran:
        if name == "deliver-notifications":
            parts = ("schedule", "plan", "delivery", "plan_metadata")
            result: dict[str, Any] = {
                **{part: {} for part in parts},
                "metadata": None,
                "success": True,
                "event_id": "x",
            }
            return Ran(RUN, "done", is_completed=True, result=result)
        if name == "grant-exception":
            record = grant_exception(
                Grant(
                    ExceptionKind(parameters["exception"]),
                    *(parameters[each] for each in ("until", "reason", "approver")),
                ),
                options.settings,
                parameters["schedule_id"],
                now=NOW,
                created_at=NOW,
                signer=parameters["generated_by"],
            )
            return write([record])
        said = Acknowledgement(
            parameters["acknowledged_by"], AcknowledgementState(parameters["acknowledgement_state"])
        )
        given = [(RouteChoice(**route), said) for route in parameters["routes"]]
        index = EvidenceIndex(Database.open(options.database_url))
        return write(acknowledge(index, given, now=NOW, created_at=NOW))

    monkeypatch.setattr("rollback_drills_api.running.run_embedded", play)
    # which would ask a Prefect server that would have to start first
    monkeypatch.setattr("rollback_drills_api.delivering.find_connectors", lambda: frozenset({"webhook"}))


@pytest.fixture
def described(options: ApiOptions, keys: Keys, played: None) -> Iterator[BaseSchema]:
    """Read the document from the application itself."""
    app = build_app(options)
    with TestClient(app):  # starts it
        document = schemathesis.openapi.from_dict(app.openapi())
        document.app = app
        yield document


OPERATIONS = [
    (path, method)
    for path, operations in build_app(ApiOptions(list)).openapi()["paths"].items()
    for method in operations
]


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


def test_every_operation_has_examples_and_describes_its_problems(options: ApiOptions) -> None:
    document = build_app(options).openapi()

    operations = [each for path in document["paths"].values() for each in path.values()]
    assert len(operations) == 20
    for operation in operations:
        answers = operation["responses"]
        assert {"200", "401", "403", "422", "429", "500", "503"} <= set(answers), operation["operationId"]
        assert operation["summary"]
        if body := operation.get("requestBody"):
            name, schema = find_schema(document, body["content"]["application/json"]["schema"])
            assert schema["examples"]
            for example in schema["examples"]:
                getattr(bodies, name).model_validate(example)
        for status, answer in answers.items():
            ((media_type, content),) = answer["content"].items()
            assert content["example"]
            assert (media_type == "application/problem+json") == (status != "200")
