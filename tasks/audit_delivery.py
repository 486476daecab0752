"""The steps that deliver an acknowledgement audit package: build it, and commit its message."""

from collections.abc import Sequence
from datetime import datetime

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.logging import get_run_logger

from blocks.registry import CONNECTORS, configured_connectors, remember_all_secrets
from rollback_drills.connectors.types import ITEM_TYPES
from rollback_drills.errors import UsageError
from rollback_drills.names.keys import first_spellings, name_key
from rollback_drills.outbox.commit import commit
from rollback_drills.rendering.counts import count_of, write_count
from rollback_drills.reports.audit.audit_delivery import build_entries
from rollback_drills.reports.audit.audit_document import AuditPackage
from rollback_drills.reports.audit.audit_reading import find_package
from rollback_drills.reports.filters import PackageFilter
from rollback_drills.reports.period import Period
from rollback_drills.settings import Settings
from tasks.evidence import open_database
from tasks.logs import redacting


def choose_providers(text: str, settings: Settings) -> list[str]:
    """Return through what a package is delivered: as given, else as to the platform owner, else by mail.

    Without mail it is any connector that opens no ticket.

    Raises:
        UsageError: There is no such connector, or none at all.
    """
    enabled = {name_key(each.name): each for each in configured_connectors() if each.enabled}
    if named := text or settings.platform_providers or "":
        wanted = first_spellings(each.strip() for each in named.split(",") if each.strip())
        if unknown := [name for key, name in wanted.items() if key not in enabled]:
            known = ", ".join(sorted(enabled)) or "none"
            raise UsageError(
                f"{unknown[0]} is no connector that is switched on; those are {known}", field="provider"
            )
        if not wanted:
            raise UsageError("names no connector; name one, or leave it empty", field="provider")
        return list(wanted.values())
    types = {kind.get_block_type_slug(): name for name, kind in CONNECTORS.items()}
    usual = sorted(
        (types[each.connector_type] != "email", each.name)
        for each in enabled.values()
        if types[each.connector_type] not in ITEM_TYPES
    )
    if not usual:
        raise UsageError("is not given, and no connector is switched on that could deliver", field="provider")
    return [usual[0][1]]


@task(task_run_name="build-audit-package", cache_policy=NO_CACHE)
@redacting
def build_audit_package(period: Period, now: datetime, generated_by: str, url: str) -> AuditPackage:
    """Build the package of a period, without any secret that is known here."""
    remember_all_secrets()
    package = find_package(open_database(url), PackageFilter(), period, now=now, generated_by=generated_by)
    get_run_logger().info("%s: %s", package.audit_id, write_count(package.route_count, "route"))
    return package


@task(task_run_name="commit-audit-package", cache_policy=NO_CACHE)
@redacting
def commit_audit_package(
    package: AuditPackage, period: Period, providers: Sequence[str], owner: str, now: datetime, url: str
) -> int:
    """Commit the messages of the period that are not committed yet, and return how many they are."""
    database = open_database(url)
    entries = build_entries(package, period, providers, owner, now=now)
    added = commit(database, entries, [], now=database.now().timestamp())
    get_run_logger().info("%s new", count_of(len(added), len(entries), "message"))
    return len(added)
