"""The page of a follow-up run, as people read it."""

from datetime import timedelta
from typing import Any

from rollback_drills.database.connections import Database
from rollback_drills.evidence.outages.listing import OpenOutageReport
from rollback_drills.followup.alarm_paths.alarm_path_findings import AlarmPathFinding
from rollback_drills.followup.connector_health import ConnectorHealth
from rollback_drills.followup.dashboard import build_dashboard
from rollback_drills.followup.exceptions.exception import ExceptionKind
from rollback_drills.followup.page import render_follow_up
from rollback_drills.followup.retests import Retest
from rollback_drills.rendering.times import write_times
from tests.samples.builders import NOW
from tests.samples.world import World

OVERDUE: dict[str, Any] = {
    "owners": ["team-a"],
    "notification_providers": ["slack"],
    "next_due_at": (NOW - timedelta(days=1)).isoformat(),
    "owner_routes": {"team-a": {"escalation_owner": "lead"}},
}
AT = NOW.isoformat()


def test_a_page_without_anything_open_says_so() -> None:
    dashboard = build_dashboard([], [], now=NOW, generated_by="test")

    assert render_follow_up(dashboard, [], []) == (
        "# Follow-up: every cycle has a next action\n\n"
        "0 open cycles · 0 outstanding acknowledgements · 0 overdue · 0 escalated by this run\n"
    )


def test_a_page_has_a_table_of_everything_that_is_open(database: Database) -> None:
    world = World(database, OVERDUE)
    world.check()
    world.wait(hours=1)
    taken = world.escalate()
    dashboard = build_dashboard(
        world.open_cycles(),
        [
            ConnectorHealth("teams", None, None, 0, 0, 0, NOW.timestamp(), "revoked"),
            ConnectorHealth("webhook", None, None, 2, 1, 2),
        ],
        now=world.now,
        generated_by="test",
        retests=[
            Retest(
                schedule_id="search",
                cycle_id="gordcycle-1",
                drill_id="drill-7",
                failed_at=AT,
                retest_due_at=AT,
                problems=(),
            )
        ],
        alarm_paths=[
            AlarmPathFinding(
                owner="team-b", provider="jira", since=AT, because="silent", missed_count=1, cycle_id="c"
            )
        ],
        outages=[OpenOutageReport("gordout-1", "mail", AT, "disabled", "answered 401", 3, 2)],
    )

    page = render_follow_up(dashboard, taken, ["payments is late"])

    assert [line for line in page.splitlines() if line and not line.startswith("|---")] == [
        write_times(line)
        for line in (
            "# Follow-up: 1 problem",
            "1 open cycle · 1 outstanding acknowledgement · 1 overdue · 1 escalated by this run",
            "## Problems",
            "- payments is late",
            "## Escalated",
            "| schedule | owner | step | notified | through |",
            f"| payments | team-a | 1 of 1, due {world.now.isoformat()} | lead | slack |",
            "## Open cycles",
            "| schedule | due | state | next | at |",
            "| payments | 2026-11-30T09:00:00+00:00 | escalated | repeat | 2026-12-02T09:00:00+00:00 |",
            "## To be performed again",
            "| schedule | drill | failed | again by |",
            f"| search | drill-7 | {AT} | {AT} |",
            "## Alarm paths that reach nobody",
            "| owner | provider | since | why |",
            f"| team-b | jira | {AT} | silent |",
            "## Outages of connectors",
            "| connector | since | waiting | dead letters | why |",
            f"| mail | {AT} | 3 | 2 | answered 401 |",
            "## Failing connectors",
            "| connector | waiting | dead letters | disabled because |",
            "| teams | 0 | 0 | revoked |",
            "| webhook | 2 | 1 |  |",
        )
    ]


def test_the_next_action_of_an_excepted_cycle_is_in_words(database: Database) -> None:
    world = World(database, {})
    world.check()
    world.grant(ExceptionKind.WAIVE, world.now + timedelta(days=9))

    dashboard = build_dashboard(world.open_cycles(), (), now=world.now, generated_by="test")

    assert "| waived | end exception |" in render_follow_up(dashboard, [], [])


def test_a_page_counts_what_it_does_not_show() -> None:
    dashboard = build_dashboard([], [], now=NOW, generated_by="test")

    page = render_follow_up(dashboard, [], [f"problem {number}" for number in range(1_203)])

    assert "- problem 199\n\n1,003 more; `drills dashboard` lists all of them.\n" in page
    assert "- problem 200\n" not in page
