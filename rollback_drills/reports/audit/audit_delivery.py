"""Words the message that brings an acknowledgement audit package: summary, digest and signed head."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from rollback_drills.documents.utc import write_instant
from rollback_drills.errors import UsageError
from rollback_drills.names import ids
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.notification import Attachment
from rollback_drills.notifications.outbox_entry import OutboxEntry
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.audit.audit_document import AuditPackage
from rollback_drills.reports.period import Period

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.acknowledgement_audit_delivery"
LARGEST_ATTACHMENT: Final = 5_000_000
"""A larger package is named and not attached: mail servers refuse messages of more than 10 MB."""
_COUNTS: Final = (
    *("plan_count", "route_count", "acknowledgement_count", "acknowledged_count"),
    *("resolved_count", "escalated_count", "dismissed_count", "outstanding_count"),
)


def find_last_month(now: datetime) -> Period:
    """Return the calendar month before a time, in UTC."""
    first = now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return Period((first - timedelta(days=1)).replace(day=1), first)


def choose_period(since: datetime | None, until: datetime | None, *, now: datetime) -> Period:
    """Return the period of a package: as given, up to now, or the last month.

    Raises:
        UsageError: It has an end and no begin, or it is empty.
    """
    if since is None:
        if until is not None:
            raise UsageError("needs the beginning of the period too", field="until")
        return find_last_month(now)
    return Period(since, until or now.replace(microsecond=0))


def build_entries(
    package: AuditPackage, period: Period, providers: Sequence[str], owner: str, *, now: datetime
) -> list[OutboxEntry]:
    """Return the message for each provider: once for each period, however often the package is built.

    The notes of acknowledgements stay in the package, which goes along where a provider takes attachments.

    Args:
        package: The sealed package.
        period: Its period.
        providers: Through which it is delivered.
        owner: Whom it is for.
        now: The instant.
    """
    start, end = (write_instant(each) if each else "" for each in (period.since, period.until))
    subject = f"{ids.AUDIT_PACKAGE_PREFIX}{start[:10]}"
    cycle_id = ids.cycle_id(ids.AUDIT_PACKAGE_PREFIX, f"{start}/{end}")
    notice = _word(package, period, subject, cycle_id, now)
    return [
        notice.address(ids.route_key(cycle_id, provider, owner), provider=provider, owner=owner, closes=True)
        for provider in providers
    ]


def _word(package: AuditPackage, period: Period, subject: str, cycle_id: str, now: datetime) -> Notice:
    name = f"{package.audit_id}.json"
    text = msgspec.json.format(msgspec.json.encode(package), indent=2).decode()
    is_attached = len(text.encode(errors="replace")) <= LARGEST_ATTACHMENT
    outstanding = package.outstanding_count
    verb = "was" if outstanding == 1 else "were"
    return Notice(
        subject_id=subject,
        subject_name=subject,
        cycle_id=cycle_id,
        event_type=EVENT_TYPE,
        at=now,
        title=f"Acknowledgement audit package: {_name(period)}",
        summary=(
            f"{write_count(package.route_count, 'route')} of {write_count(package.plan_count, 'plan')}"
            f" notified somebody; {outstanding} {verb} not acknowledged. The digest identifies the package,"
            " and the signed head the evidence that it is taken from."
        ),
        facts=tuple(_list_facts(package, name if is_attached else "")),
        alert_level=package.alert_level,
        more={
            "audit_id": package.audit_id,
            "period": dict(package.period),
            **{each: getattr(package, each) for each in _COUNTS},
            "content_sha256": package.content_sha256,
            "ledger_head": dict(package.ledger_head) if package.ledger_head else None,
        },
        attachment=Attachment(name, text) if is_attached else None,
    )


def _list_facts(package: AuditPackage, attached: str) -> Iterator[tuple[str, str]]:
    yield "Package", str(package.audit_id)
    yield "From", package.period["from"] or "the beginning"
    yield "To", package.period["to"] or "now"
    for each in _COUNTS:
        yield each.removesuffix("_count").replace("_", " ").capitalize(), str(getattr(package, each))
    yield "SHA-256 of the content", str(package.content_sha256)
    if package.ledger_head:
        yield "Head of the evidence", package.ledger_head["head"]
    if attached:
        yield "Attachment", f"{attached}, in mails"
    else:
        command = write_command("audit-package", out="FILE")
        yield "Attachment", f"none, because it is too large; {command} writes it"


def _name(period: Period) -> str:
    """Name a period: a month, or its bounds."""
    since, until = period.since, period.until
    if since is None or until is None:
        return "everything"
    if since.day == 1 and until == (since + timedelta(days=32)).replace(day=1):
        return f"{since:%B %Y}"
    return f"{since:%d %b %Y} to {until:%d %b %Y}"
