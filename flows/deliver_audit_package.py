"""The monthly flow that delivers the acknowledgement audit package, once for each period."""

import os

from prefect import flow
from prefect.states import Completed

from flows.check.delivery import deliver_due
from flows.clock import read_now
from flows.failing import fail
from flows.results import AuditDeliveryResult, FinalState, fail_delivery
from flows.timeouts import RUN_TIMEOUT_SECONDS
from rollback_drills.delivery.retries import RetryPolicy
from rollback_drills.documents.utc import in_utc
from rollback_drills.errors import DrillsError
from rollback_drills.errors.effects import count_effects
from rollback_drills.names.keys import name_key
from rollback_drills.planning.request_fields import taking
from rollback_drills.planning.requests import AuditDeliveryRequest
from rollback_drills.rendering.counts import write_count
from rollback_drills.reports.audit.audit_delivery import choose_period
from rollback_drills.reports.events.run_events import find_events
from rollback_drills.settings import read_settings
from tasks.audit_delivery import build_audit_package, choose_providers, commit_audit_package
from tasks.events import emit
from tasks.evidence import index_evidence, read_clock
from tasks.logs import redacting


@flow(name="deliver-audit-package", timeout_seconds=RUN_TIMEOUT_SECONDS)
@redacting
@taking(AuditDeliveryRequest)
def deliver_audit_package(request: AuditDeliveryRequest) -> FinalState:
    """Deliver who was notified, who acknowledged and who did not: summary, digest and signed head.

    Returns:
        Ends as Delivered; as Failed if a message could not be delivered. The data is `{audit_id,
        content_sha256, period, providers, message_count}`.
    """
    before = count_effects()
    try:
        settings = read_settings(os.environ)
        url = settings.evidence_url
        now = read_now(request.as_of, url)
        period = choose_period(
            in_utc(request.since) if request.since else None,
            in_utc(request.until) if request.until else None,
            now=now,
        )
        providers = choose_providers(request.provider, settings)
        package = build_audit_package(period, now, request.generated_by, url)
        count = commit_audit_package(package, period, providers, settings.platform_owner, now, url)
        asked = frozenset(map(name_key, providers))
        delivered = deliver_due(asked, RetryPolicy(request.retries, request.timeout_seconds), url)
        indexed = index_evidence([], {}, read_clock(url), request.generated_by, url)
        trouble = [*delivered.explain_problems(), *indexed.problems]
        emit(find_events([], delivered.deliveries))
    except DrillsError as error:
        return fail(error, effects_before=before)
    result = AuditDeliveryResult(
        audit_id=package.audit_id,
        content_sha256=package.content_sha256,
        period=package.period,
        providers=providers,
        message_count=count,
    )
    if trouble:
        return fail_delivery("; ".join(trouble), result)
    news = write_count(count, "new message") if count else "it was delivered before"
    return Completed(name="Delivered", message=f"{package.audit_id}: {news}", data=result)
