"""The tables of the reference hold every word of the program, and no other."""

import ast
import re
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain
from pkgutil import resolve_name
from typing import Final, get_args

import msgspec
import pytest

from rollback_drills.connectors.types import CONNECTOR_TYPES
from rollback_drills.console import query
from rollback_drills.console.evidence import MOST_VERIFIED
from rollback_drills.console.records import MOST_CYCLES, MOST_ROWS
from rollback_drills.database.connections import Database
from rollback_drills.documents.cadences.interval_cadence import DuePolicy
from rollback_drills.documents.changes import Changes
from rollback_drills.documents.fields import LONGEST_INTERVAL_DAYS
from rollback_drills.documents.fleets.json_lines import LARGEST_FILE_BYTES, MOST_RECORDS
from rollback_drills.documents.history import ExerciseType, History, Trigger
from rollback_drills.documents.promotion import PromotionEvidence, RollbackPlan, RollbackRehearsal
from rollback_drills.documents.reading.reader import LARGEST_DOCUMENT_BYTES
from rollback_drills.documents.schedule import POSTPONE_LIMIT_DAYS, Schedule
from rollback_drills.evidence.ledger.canonical import LARGEST_RECORD
from rollback_drills.evidence.verify.findings import FindingKind
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementState
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import MOST_AT_ONCE
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.next_actions import CycleState
from rollback_drills.notifications.reasons import Reason
from rollback_drills.notifications.states import State
from rollback_drills.planning.category import Category
from rollback_drills.readiness.states import Mode, Readiness
from rollback_drills.reports.audit.audit_reading import find_package
from rollback_drills.reports.events.run_events import PREFIX
from rollback_drills.reports.filters import PackageFilter, RouteFilter
from rollback_drills.reports.notifications import find_notifications
from rollback_drills.reports.paging import MOST_LISTED
from rollback_drills.reports.period import Period
from rollback_drills.reports.routes import find_routes
from rollback_drills.reports.trend import find_trend
from rollback_drills.trust.signs import FEWEST_TURNED_BAD, Sign
from tests.reading.documentation import FURTHER, SOURCES, TEXTS, code_spans, rows
from tests.samples.builders import NOW
from tests.samples.records import RECORD_KINDS
from tests.samples.world import World

DOCUMENTS: Final = TEXTS["docs/reference/documents.md"]
EVENTS: Final = TEXTS["docs/reference/flows.md"]
EVIDENCE: Final = TEXTS["docs/reference/evidence.md"]
OUTBOX: Final = TEXTS["docs/reference/outbox.md"]
REPORTS: Final = TEXTS["docs/reference/reports.md"]


def first_words(page: str, table: str) -> set[str]:
    """Return what stands between backticks in the first column of a table."""
    return {word for row in rows(page, table) for word in re.findall(r"`([^`]+)`", row[0])}


@pytest.mark.parametrize(
    ("page", "table", "words"),
    [
        pytest.param(OUTBOX, "| `reason` |", Reason, id="reasons"),
        pytest.param(OUTBOX, "| `state` |", State, id="states"),
        pytest.param(EVIDENCE, "| `metadata_kind` |", RECORD_KINDS, id="kinds of evidence"),
        pytest.param(EVIDENCE, "| finding |", FindingKind, id="findings"),
        pytest.param(DOCUMENTS, "| `due_policy` |", DuePolicy, id="due policies"),
        pytest.param(
            TEXTS["docs/how-to/acknowledge-and-escalate.md"],
            "| `--state` |",
            AcknowledgementState,
            id="acknowledgements",
        ),
        pytest.param(TEXTS["docs/how-to/check-your-drills.md"], "| state |", Readiness, id="readiness"),
        pytest.param(
            TEXTS["docs/how-to/read-a-plan.md"],
            "| category |",
            set(Category) - {Category.DELIVER},
            id="categories",
        ),
        pytest.param(
            TEXTS["docs/how-to/skip-postpone-waive.md"],
            "| command |",
            {f"drills {kind}" for kind in ExceptionKind},
            id="exceptions",
        ),
        pytest.param(TEXTS["docs/how-to/when-a-run-fails.md"], "| sign |", Sign, id="signs of distrust"),
        pytest.param(
            TEXTS["docs/reference/connectors.md"], "| `type` |", CONNECTOR_TYPES, id="connector types"
        ),
    ],
)
def test_a_table_lists_every_word_and_no_other(page: str, table: str, words: set[str]) -> None:
    assert first_words(page, table) == {str(word) for word in words}


@pytest.mark.parametrize(
    ("page", "words"),
    [
        pytest.param("documents", ExerciseType, id="exercise types"),
        pytest.param("documents", Trigger, id="triggers"),
        pytest.param("environment", Mode, id="modes"),
        pytest.param("reports", CycleState, id="states of a cycle"),
    ],
)
def test_a_page_names_every_word(page: str, words: set[str]) -> None:
    spans = set(code_spans(TEXTS[f"docs/reference/{page}.md"]))
    assert {str(word) for word in words} - spans == set()


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("how-to/acknowledge-and-escalate", f"at most {MOST_AT_ONCE}"),
        ("how-to/look-at-the-console", f"A page has {query.ROWS_ON_A_PAGE} schedules"),
        ("how-to/look-at-the-console", f"up to {MOST_VERIFIED:,} rows"),
        (
            "how-to/look-at-the-console",
            f"the {MOST_CYCLES} newest cycles and the {MOST_ROWS} newest notifications",
        ),
        ("how-to/skip-postpone-waive", f"`postpone_limit_days` of the schedule ({POSTPONE_LIMIT_DAYS:g})"),
        ("how-to/when-a-run-fails", f"at least {FEWEST_TURNED_BAD} schedules"),
        ("reference/commands", f"`--limit` (at most {MOST_LISTED})"),
        ("reference/documents", f"at most {LONGEST_INTERVAL_DAYS}"),
        ("reference/documents", f"{LARGEST_FILE_BYTES >> 30} GiB and {MOST_RECORDS:,} records"),
        ("reference/documents", f"at most {LARGEST_DOCUMENT_BYTES >> 20} MiB"),
        ("reference/environment", f"0 to {LONGEST_INTERVAL_DAYS}"),
        ("reference/evidence", f"at most {LARGEST_RECORD >> 20} MiB"),
        ("reference/http-api", f"`routes`: 1 to {MOST_AT_ONCE}"),
    ],
)
def test_a_page_states_the_number_of_the_program(page: str, words: str) -> None:
    assert words in TEXTS[f"docs/{page}.md"]


def keys_of(model: type) -> Iterator[str]:
    """Yield every key that a document may have, at any depth."""
    for each in msgspec.structs.fields(model):
        yield each.encode_name
        yield from (key for inner in inner_models(each.type) for key in keys_of(inner))


def inner_models(wanted: object) -> Iterator[type]:
    """Yield the models that a type is made of."""
    if isinstance(wanted, type) and issubclass(wanted, msgspec.Struct):
        yield wanted
    for part in get_args(wanted):
        yield from inner_models(part)


@pytest.mark.parametrize(
    ("page", "model"),
    [
        pytest.param("documents", Schedule, id="schedule"),
        pytest.param("documents", History, id="history"),
        pytest.param("documents", Changes, id="changes"),
        pytest.param("gate", PromotionEvidence, id="promotion evidence"),
        pytest.param("gate", RollbackPlan, id="rollback plan"),
        pytest.param("gate", RollbackRehearsal, id="rehearsal"),
    ],
)
def test_the_reference_names_every_key_of_a_document(page: str, model: type) -> None:
    text = TEXTS[f"docs/reference/{page}.md"] + DOCUMENTS
    named = {word for span in re.findall(r"`([^`\n]+)`", text) for word in span.split(".")}
    named |= set(re.findall(r'"(\w+)":', text))

    assert set(keys_of(model)) - {"schema_version"} - named == set()


def test_the_reference_names_every_check_and_every_kind_of_id() -> None:
    program = "\n".join(text for name, text in SOURCES.items() if name.startswith("rollback_drills/"))
    named = first_words(REPORTS, "| id |")

    assert {f"{each}…" for each in re.findall(r'"(gord\w+-|rcd-)', program)} - named == set()
    stems = {"go_rollback_drill_history", "go_rollback_drill_schedule"}
    short = {f"go_rollback_drill_schedule{each}" for each in re.findall(r"`(_\w+)`", REPORTS)}
    checks = set(re.findall(r'"(go_rollback_drill_\w+)"', program)) - stems
    assert checks - short - set(re.findall(r"`(go_\w+)`", REPORTS)) == set()


# ---------------------------------------------------------------------------------------------- flows


def test_the_reference_names_every_deployment_step_and_parameter() -> None:
    flows = {
        name: set(parameters)
        for path, text in SOURCES.items()
        if path.startswith("flows/")
        for name, parameters in find_flows(text)
    }
    steps = {
        step
        for path, text in SOURCES.items()
        if path.startswith("tasks/")
        for step in re.findall(r'task_run_name="([\w-]+)"', text)
    }
    deployed = re.findall(r"^  - name: ([\w-]+)$", FURTHER["deployments/prefect.yaml"], re.MULTILINE)

    assert len(deployed) == len(flows) + 1 == 19
    assert set(deployed) == {*flows, "check-shard"}
    assert (set(flows) | steps) - {"require-rollback-ready"} - set(code_spans(EVENTS)) == set()
    recurring = {
        name
        for name, rest in re.findall(
            r"^  - name: ([\w-]+)\n((?:    .*\n)+)", FURTHER["deployments/prefect.yaml"], re.MULTILINE
        )
        if "cron:" in rest
    }
    begins, _, after = EVENTS.partition("- **On demand**: ")
    assert set(code_spans(begins.partition("- **Recurring**: ")[2])) == recurring
    assert set(code_spans(after.partition("\n\n")[0])) == set(flows) - recurring
    for page, text in TEXTS.items():
        for name, rest in re.findall(r"prefect deployment run ([\w/-]+)(.*)", text):
            flow, _, deployment = name.partition("/")
            assert flow == deployment, (page, name)
            assert set(re.findall(r"(?:--param|-p) (\w+)=", rest)) <= flows[flow], (page, name)


def find_flows(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield every flow of a module, with its parameters: those of its request, if it takes one."""
    module = ast.parse(text).body
    places = {
        name.name: node.module for node in module if isinstance(node, ast.ImportFrom) for name in node.names
    }
    for node in module:
        for decorator in getattr(node, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func) == "flow":
                assert isinstance(node, ast.FunctionDef)
                name = next(each.value for each in decorator.keywords if each.arg == "name")
                parameters = {each.arg: each.annotation for each in node.args.args}
                if request := parameters.get("request"):
                    asked = ast.unparse(request)
                    parameters = resolve_name(f"{places[asked]}:{asked}").model_fields
                yield ast.literal_eval(name), list(parameters)


def test_events_in_automations_and_pages_exist() -> None:
    states = {f"delivery.{state}" for state in State}
    readiness = {f"readiness.{each}" for each in Readiness}
    said = {f"acknowledgement.{each}" for each in AcknowledgementState}
    known = {
        *states,
        *readiness,
        *said,
        *(f"exception.{each.past}" for each in ExceptionKind),
        *(
            "decision.deliver",
            "decision.suppress",
            "escalation.taken",
            "schedule.retired",
            "schedule.restored",
            "gate.passed",
            "gate.blocked",
        ),
    }
    for name, text in (TEXTS | FURTHER).items():
        found = set(re.findall(rf"{re.escape(PREFIX)}\.(\w+\.\w+)", text))
        assert found <= known | {"notification.v1"}, name
    listed = set(re.findall(r"`((?:readiness|decision|escalation|gate)\.[a-z_]+)`", EVENTS))
    assert {
        each for each in known if each.startswith(("readiness", "decision", "escalation", "gate"))
    } - listed == {
        "readiness.not_requested"  # nothing is asked for, and nothing is told
    }


# -------------------------------------------------------------------------------------------- reports


@pytest.mark.slow
def test_the_reference_names_every_key_of_the_follow_up_and_of_looking_back(database: Database) -> None:
    world = World(database, {"schedule_id": "payments"}, now=NOW)
    world.check()
    world.wait(hours=1, minutes=1)
    world.escalate()
    world.ack(owner="team-a")
    period = Period(NOW - timedelta(days=7), world.now + timedelta(days=1))
    documents = (
        world.dashboard(),
        world.escalation_plan(),
        find_routes(database),
        find_notifications(database),
        find_trend(database, RouteFilter(), period, now=world.now, generated_by="test"),
        find_package(database, PackageFilter(), period, now=world.now, generated_by="test"),
    )
    named = {word for span in re.findall(r"`([^`\n]+)`", REPORTS) for word in span.split(".")}

    assert all(documents)
    assert set(chain.from_iterable(map(keys_in, documents))) - named - OF_EVERY_DOCUMENT == set()


OF_EVERY_DOCUMENT: Final = {"schema_version"}
MAPS: Final = (
    "filters",
    "cycles_by_state",
    "category_counts",
    "owner_counts",
    "provider_counts",
    "schedule_counts",
)
"""Keys whose value is an object with names of people or documents for keys."""


def keys_in(document: object) -> Iterator[str]:
    """Yield every key of a document, at any depth."""
    if isinstance(document, dict):
        for key, value in document.items():
            yield key
            if key not in MAPS:
                yield from keys_in(value)
    elif isinstance(document, list | tuple):
        yield from chain.from_iterable(map(keys_in, document))


def test_messages_that_the_manual_explains_exist() -> None:
    text = re.sub(r'"\s*\n\s*f?"', "", "\n".join(SOURCES.values()))  # a message may stand on several lines
    of_others = {"database or disk is full", "file is not a database"}  # SQLite's own
    quoted = [
        part.strip(" ;:,")
        for page in TEXTS.values()
        for row in rows(page, "| message |")
        for message in re.findall(r"`([^`]+)`", row[0])
        for part in re.split(r"…|\bOUT\b|\bN\b", message)
    ]

    assert len(quoted) > 15
    assert [each for each in quoted if each not in text and each not in of_others] == []
