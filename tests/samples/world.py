"""A small world with a moved clock: schedules, people who answer or do not, and all that they are told."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final

from rollback_drills.database.connections import Database
from rollback_drills.delivery.dispatcher import Dispatcher
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.documents.plain_json import PlainJson, to_plain
from rollback_drills.documents.subject import Subject
from rollback_drills.evidence.appender import append
from rollback_drills.evidence.drills import find_drills
from rollback_drills.evidence.index import EvidenceIndex
from rollback_drills.evidence.outbox_transfer import index_run
from rollback_drills.evidence.plan_records import record_plan
from rollback_drills.evidence.record import name_run
from rollback_drills.followup.acknowledgements.acknowledgement import (
    Acknowledgement,
    AcknowledgementRecord,
    AcknowledgementState,
)
from rollback_drills.followup.acknowledgements.bulk_acknowledgement import acknowledge
from rollback_drills.followup.acknowledgements.route_choice import RouteChoice
from rollback_drills.followup.cycle_facts import CycleFacts
from rollback_drills.followup.dashboard import build_dashboard, find_problems
from rollback_drills.followup.escalations.due_escalations import find_due_steps
from rollback_drills.followup.escalations.escalation import Escalation, build_entries
from rollback_drills.followup.escalations.escalation_plan import build_escalation_plan
from rollback_drills.followup.escalations.follow_up_rules import (
    FollowUpRules,
    documents_of,
    find_rules,
    judge_open,
)
from rollback_drills.followup.exceptions.exception import (
    ExceptionKind,
    ExceptionRecord,
    Grant,
    record_exception,
)
from rollback_drills.followup.open_cycles import find_quiet, read_open_cycles
from rollback_drills.names import ids
from rollback_drills.notifications.notification import Notification
from rollback_drills.notifications.outcome import Outcome, Verdict
from rollback_drills.outbox.claims import due_providers
from rollback_drills.outbox.commit import commit, find_history
from rollback_drills.outbox.known_cycles import keep_known_cycles
from rollback_drills.planning.fleet_check import start_checks
from rollback_drills.planning.outbox_entries import find_departures, find_entries, find_holds, known_names
from rollback_drills.planning.plan import Plan
from rollback_drills.planning.plan_request import PlanRequest
from rollback_drills.readiness.criteria import Criteria
from rollback_drills.readiness.judgement import Judgement
from rollback_drills.recording.retests import find_all_retests
from tests.samples.builders import DRILL, NOW, judged, make_subject, open_key

FLOW_RUN: Final = "0691f5a2-8a0e-7f3c-8000-2b1c5d8e9f01"
"""In which every check has run."""


@dataclass(frozen=True)
class Received:
    """One message that arrived."""

    at: datetime
    schedule_id: str
    owner: str
    provider: str
    reason: str
    notification: Notification

    def __str__(self) -> str:
        """Write it as a line of a timeline."""
        return f"{self.at:%m-%d %H:%M} {self.schedule_id} → {self.owner} ({self.provider}): {self.reason}"


class World:
    """Schedules that are checked and followed up as the flows do, without Prefect."""

    workers: ClassVar[int] = 1
    most_in_one_message: ClassVar[int] = 1
    can_find: ClassVar[bool] = False

    def __init__(self, database: Database, *schedules: Mapping[str, Any], now: datetime = NOW) -> None:
        """Begin with schedules, as changes of the usual one, and no drill at all."""
        self.database, self.now = database, now
        self.schedules = {str(each.get("schedule_id", "payments")): dict(each) for each in schedules}
        self.drills: dict[str, list[Mapping[str, Any]]] = {name: [] for name in self.schedules}
        self.received: list[Received] = []
        self.refusing: set[str] = set()
        """Providers that take nothing."""

    def subjects(self) -> list[Subject]:
        """Return the documents as they are now."""
        return [
            make_subject(self.drills[name], **{"schedule_id": name, **changes})
            for name, changes in self.schedules.items()
        ]

    def check(self, *subjects: Subject) -> list[Plan]:
        """Run one check, of these documents or of all; give the plans."""
        found = list(subjects) or self.subjects()
        judgements = keep_known_cycles(self.database, [judged(each, now=self.now) for each in found])
        cycles = [judgement.cycle.cycle_id for judgement in judgements]
        told = find_history(self.database, cycles, known_names(found, judgements))
        acknowledged, excepted = find_quiet(self.database, cycles, now=self.now)
        request = PlanRequest(notified=told, acknowledged=acknowledged, excepted=excepted)
        checks = start_checks(found, judgements)
        for check in checks:
            check.plan_at_once(request, now=self.now)
        plans = [check.plan for check in checks]
        closing, departures = find_departures(checks, request, now=self.now, clock=self.now)
        holds = list(find_holds(plans, request, now=self.now))
        entries = [entry for check in checks for entry in find_entries(check, request)]
        commit(self.database, [*entries, *closing], departures, holds, now=self.now.timestamp())
        if entries:
            self._keep_plans(plans, judgements)
        self._deliver()
        return plans

    def escalate(self) -> list[Escalation]:
        """Run one follow-up; give the steps that it was the first to take."""
        taken = self.take_steps(self.due_steps())
        self._deliver()
        return taken

    def due_steps(self) -> list[Escalation]:
        """Return the steps that are due."""
        return find_due_steps(self.database, self.subjects(), Criteria(), None, now=self.now)

    def take_steps(self, due: Sequence[Escalation]) -> list[Escalation]:
        """Commit steps; give those that were not taken before."""
        entries = [list(build_entries(each, now=self.now)) for each in due]
        flat = [entry for some in entries for entry in some]
        added = commit(self.database, flat, [], now=self.now.timestamp())
        return [
            each
            for each, some in zip(due, entries, strict=True)
            if any(entry.notification_id in added for entry in some)
        ]

    def open_cycles(self) -> list[CycleFacts]:
        """Return the cycles that are open now."""
        return read_open_cycles(self.database, now=self.now)

    def escalation_plan(self) -> PlainJson:
        """Return the plan of contract §6, as readers of its JSON get it."""
        cycles = self.open_cycles()
        rules = self.rules(cycles)
        return to_plain(build_escalation_plan(cycles, now=self.now, generated_by="test", rules=rules))

    def dashboard(self) -> PlainJson:
        """Return the dashboard, as readers of its JSON get it."""
        cycles = self.open_cycles()
        rules = self.rules(cycles)
        return to_plain(build_dashboard(cycles, [], now=self.now, generated_by="test", rules=rules))

    def problems(self) -> list[str]:
        """Return what nobody looks after."""
        cycles = self.open_cycles()
        return find_problems(cycles, now=self.now, rules=self.rules(cycles))

    def rules(self, cycles: Sequence[CycleFacts]) -> FollowUpRules:
        """Return what the documents say of the follow-up now."""
        judgements = judge_open(cycles, self.subjects(), Criteria(), now=self.now)
        return find_rules(self.database, cycles, documents_of(self.subjects()), judgements=judgements)

    def ack(
        self, schedule_id: str = "payments", by: str = "maria", **said: Any
    ) -> list[AcknowledgementRecord]:
        """Acknowledge what was told of a schedule."""
        choice = RouteChoice(
            schedule_id=schedule_id, provider=said.pop("provider", None), owner=said.pop("owner", None)
        )
        state = AcknowledgementState(said.pop("state", "acknowledged"))
        given = Acknowledgement(by, state, **said)
        index = EvidenceIndex(self.database)
        records = acknowledge(index, [(choice, given)], now=self.now, created_at=self.now)
        append(self.database, records, open_key)
        return records

    def grant(self, kind: ExceptionKind, until: datetime, schedule_id: str = "payments") -> ExceptionRecord:
        """Approve an exception for the current cycle of a schedule."""
        subject = make_subject(
            self.drills[schedule_id], **{"schedule_id": schedule_id, **self.schedules[schedule_id]}
        )
        judgement = judged(subject, now=self.now)
        due = judgement.schedule.next_due_at
        record = record_exception(
            Grant(kind, until, "a freeze", "board"),
            judgement.cycle,
            due_at=datetime.fromisoformat(due) if due else None,
            postpone_limit=timedelta(days=30),
            now=self.now,
            created_at=self.now,
            signer="test",
        )
        append(self.database, [record], open_key)
        return record

    def perform(self, schedule_id: str = "payments", **changes: Any) -> None:
        """Perform a drill now."""
        drill = {"drill_id": f"drill-{self.now:%m%d%H%M}", "executed_at": self.now.isoformat()}
        self.drills[schedule_id].append({**DRILL, **drill, **changes})

    def keep_drills(self) -> None:
        """Write every drill and re-test that is new into the evidence, as a check does."""
        subjects = self.subjects()
        checks = start_checks(subjects, [judged(subject, now=self.now) for subject in subjects])
        index_run(
            self.database,
            [],
            created_at=self.now,
            signer="test",
            redact=lambda record: record,
            open_key=open_key,
            drills={
                **find_drills(
                    subjects, list(self.schedules), now=self.now, created_at=self.now, signer="test"
                ),
                **find_all_retests(checks, now=self.now, created_at=self.now, signer="test"),
            },
        )

    def wait(self, **duration: float) -> None:
        """Let time pass."""
        self.now += timedelta(**duration)

    def told(self, reason: str | None = None) -> list[Received]:
        """Return what arrived, of one reason or all."""
        return [each for each in self.received if reason in (None, each.reason)]

    def _keep_plans(self, plans: Sequence[Plan], judgements: Sequence[Judgement]) -> None:
        records = [
            name_run(record, FLOW_RUN)
            for plan, judgement in zip(plans, judgements, strict=True)
            for record in record_plan(
                plan,
                judgement.schedule,
                ids.delivery_session_id(plan.schedule_id, plan.plan_id),
                created_at=self.now,
                signer="test",
            )
            if plan.deliverable_route_count or plan.suppressed_route_count
        ]
        append(self.database, records, open_key)

    def _deliver(self) -> None:
        now = self.now.timestamp()
        for provider in due_providers(self.database, now=now):
            Dispatcher(self.database, provider, self, RetryPolicy(retries=0), now=lambda: now).run()

    async def send_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict:
        """Take a message, unless its provider is refusing."""
        if notification.provider in self.refusing:
            return Verdict(Outcome.PERMANENT, "refused")
        self.received.append(
            Received(
                self.now,
                notification.schedule_id,
                notification.owner,
                notification.provider,
                str(notification.reason),
                notification,
            )
        )
        return Verdict(Outcome.DELIVERED)

    async def find_async(self, notification: Notification, *, timeout_seconds: float) -> Verdict | None:
        """Is never asked: it answers always."""
        raise AssertionError

    def deduplicates(self, notification: Notification) -> bool:
        """Drops nothing."""
        return False

    def connection(self) -> AbstractAsyncContextManager[Any]:
        """Need no connection."""
        return nullcontext()
