"""What the documentation says of Prefect's settings, and of the states of runs."""

import re
from datetime import timedelta
from typing import Any

import prefect.settings
from prefect.settings import Settings
from pydantic import BaseModel

from flows.state_names import BLOCKED, STATE_NAMES
from rollback_drills.followup.acknowledgements.acknowledgement import AcknowledgementState
from rollback_drills.followup.exceptions.exception import ExceptionKind
from tests.reading.documentation import FURTHER, SOURCES, TEXTS, rows


def default(settings: BaseModel, name: str) -> Any:
    """Return the default of a setting, whatever the environment says."""
    return type(settings).model_fields[name].get_default(call_default_factory=True, validated_data={})


def test_every_variable_of_prefect_exists() -> None:
    for name, text in (TEXTS | FURTHER | SOURCES).items():
        # prefect-redis is not installed here; the key, and what begins with PREFECT__, are no settings
        named = re.findall(r"\bPREFECT_(?!_|REDIS_|SERVER_ENCRYPTION_KEY)[A-Z_]+[A-Z]\b", text)
        known = {each for each in named if hasattr(prefect.settings, each.removesuffix("_FILE"))}
        assert {*named} - known == set(), name


def test_the_audit_trail_states_how_long_prefect_keeps_things() -> None:
    page = TEXTS["docs/audit-trail.md"]
    server = Settings().server
    vacuum = server.services.db_vacuum

    assert "| events | 7 days |" in page
    assert default(server.events, "retention_period") == timedelta(days=7)
    assert "by default `events`" in page
    assert default(vacuum, "enabled") == {"events"}
    assert "is in it | 90 days |" in page
    assert default(vacuum, "retention_period") == timedelta(days=90)
    assert "opens UI V2" in page
    assert default(server.ui, "v2_enabled")


def test_the_reference_lists_the_name_of_every_final_state() -> None:
    table = rows(TEXTS["docs/reference/flows.md"], "| type | names |")
    completed = {
        name for row in table if row[0] == "COMPLETED" for name in re.findall(r"`([A-Z]\w+)`", row[1])
    }
    failed = {name for row in table if row[0] == "FAILED" for name in re.findall(r"`([A-Z]\w+)`", row[1])}
    written = {
        name
        for path, text in SOURCES.items()
        if path.startswith("flows/")
        for name in re.findall(r'(?:\bname=|else |= )"([A-Z]\w+)"', text)
    }
    kinds = {kind.past.capitalize() for kind in ExceptionKind} | {
        state.capitalize() for state in AcknowledgementState
    }

    assert completed == (written - {BLOCKED}) | set(STATE_NAMES.values()) | kinds
    assert failed == {"Failed", BLOCKED}
