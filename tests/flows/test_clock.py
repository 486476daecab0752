"""A recurring run judges by the clock: a time among the parameters of its deployment would stand still."""

from datetime import UTC, datetime
from typing import Any

import pytest
from prefect import State
from prefect.context import FlowRunContext
from pytest_httpserver import HTTPServer

from flows import clock
from flows.deliver_audit_package import deliver_audit_package
from flows.drill_check import drill_check
from flows.escalate_unacknowledged import escalate_unacknowledged
from flows.look_ahead import look_ahead
from flows.review_notifications import review_notifications

pytestmark = pytest.mark.usefixtures("prefect_server")
RECURRING: Any = (
    drill_check,
    escalate_unacknowledged,
    look_ahead,
    deliver_audit_package,
    review_notifications,
)


class OfSchedule(FlowRunContext):
    """Finds the current run, as if the scheduler of the Prefect server had made it."""

    @classmethod
    def get(cls) -> Any:
        """Return the context of the run."""
        found = FlowRunContext.get()
        assert found
        assert found.flow_run
        run = found.flow_run.model_copy(update={"auto_scheduled": True})
        return found.model_copy(update={"flow_run": run})


@pytest.mark.parametrize("flow", RECURRING, ids=lambda flow: flow.name)
def test_a_recurring_run_refuses_a_time(
    flow: Any, url: str, receiver: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "FlowRunContext", OfSchedule)

    state: State[Any] = flow(as_of=datetime(2026, 1, 1, tzinfo=UTC), return_state=True)

    assert state.is_failed()
    assert str(state.message).startswith("as_of is fixed, so every recurring run would judge by the same")
