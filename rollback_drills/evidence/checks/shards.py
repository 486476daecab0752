"""Keeps what the shards of a check have found, until the check is recorded.

Each shard adds its plans to the ledger in a transaction of its own. Its row says that it has looked, and at
what. The rows of a population belong to the check that began last: shards of an earlier one are refused.
"""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec
from sqlalchemy import Connection, Row, delete, func, insert, select

from rollback_drills.database.connections import Database
from rollback_drills.database.errors import repeat_on_conflict
from rollback_drills.database.one_of import one_of
from rollback_drills.database.tables import CHECK_SHARDS, LEDGER
from rollback_drills.errors import DrillsError
from rollback_drills.evidence.checks.check_records import RecordedFinding
from rollback_drills.evidence.checks.last_findings import find_last_check, read_last_check
from rollback_drills.evidence.checks.population import KnownFindings, Part, ShardReport, Summary
from rollback_drills.evidence.index import read_rows
from rollback_drills.evidence.record_kinds import PLAN_KIND

_THE_CHECK: Final = ""
"""Stands for the shard in the row of the check itself."""
_ROWS_AT_ONCE: Final = 1000


class ReplacedCheckError(DrillsError):
    """The check has ended, or another check of the same schedules has begun."""

    def __init__(self, what: str) -> None:
        super().__init__(
            f"{what} belongs to a check that has ended, or that a later check of the same schedules has"
            " replaced; nothing was recorded; the later check looks at every schedule"
        )


class ShardResult(msgspec.Struct, frozen=True):
    """What a shard found and did."""

    shard: str
    states: dict[str, int]
    changed_count: int
    report: ShardReport

    @property
    def schedule_count(self) -> int:
        """How many schedules it has."""
        return sum(self.states.values())


class _Stored(ShardResult, frozen=True):
    findings: tuple[tuple[str, str], ...]
    """Id and digest, by the names of the records; a redacted name may come several times."""
    ambiguous: tuple[str, ...]


_result: Final = msgspec.msgpack.Decoder(ShardResult)
_stored: Final = msgspec.msgpack.Decoder(_Stored)


@repeat_on_conflict
def begin_shards(database: Database, population_id: str, check_id: str) -> None:
    """Begin a check in shards: from now on, shards of earlier checks of the population are refused.

    Raises:
        DatabaseError: The database cannot be written.
    """
    with database.write() as connection:
        read_last_check(connection, population_id)  # its shards take it as it is
        # what shards of a check that was killed have recorded is not forgotten
        since = _find_since(connection, population_id)
        forget_shards(connection, population_id)
        _add(connection, population_id, _THE_CHECK, check_id, since)


def enter_shards(connection: Connection, population_id: str, part: Part) -> int:
    """Return the first row that shards can have written since the newest check, for one of them.

    Raises:
        ReplacedCheckError: The shard belongs to another check than the one that began last.
    """
    if part.check_id:
        return require_shards(connection, population_id, part.check_id, f"shard {part.shard}")
    since = _find_since(connection, population_id)
    if find_since(connection, population_id) is None:
        _add(connection, population_id, _THE_CHECK, part.check_id, since)
    return since


def require_shards(connection: Connection, population_id: str, check_id: str, what: str) -> int:
    """Return the first row that shards can have written, if a check is the one that began last.

    Raises:
        ReplacedCheckError: It is not.
    """
    row = _find_check(connection, population_id)
    if row is None or row.check_id != check_id:
        raise ReplacedCheckError(what)
    return int(row.leaf_index)


@repeat_on_conflict
def repair_findings(database: Database, population_id: str) -> None:
    """Write the last findings again if the newest check did not sign them: shards take them as they are.

    Raises:
        DatabaseError: The database cannot be written.
    """
    with database.write() as connection:
        read_last_check(connection, population_id)


def find_since(connection: Connection, population_id: str) -> int | None:
    """Return the first row that shards can have written since the newest check; None if none has begun.

    The rows of the shards may be lost, so those after the newest check count, if there is one.
    """
    last = find_last_check(connection, population_id)
    if last is not None:
        return last + 1
    row = _find_check(connection, population_id)
    return None if row is None else row.leaf_index


def _find_since(connection: Connection, population_id: str) -> int:
    since = find_since(connection, population_id)
    size = select(func.coalesce(func.max(LEDGER.c.leaf_index) + 1, 0))
    return connection.execute(size).scalar_one() if since is None else since


def _find_check(connection: Connection, population_id: str) -> Row[tuple[str, int]] | None:
    row = select(CHECK_SHARDS.c.check_id, CHECK_SHARDS.c.leaf_index).where(
        CHECK_SHARDS.c.population_id == population_id, CHECK_SHARDS.c.shard == _THE_CHECK
    )
    return connection.execute(row).first()


def forget_shards(connection: Connection, population_id: str) -> None:
    """Forget what shards have found: a check of the population is recorded, or begins."""
    connection.execute(delete(CHECK_SHARDS).where(CHECK_SHARDS.c.population_id == population_id))


def keep_shard(connection: Connection, summary: Summary, part: Part, changed_count: int) -> None:
    """Keep what a shard found, in place of what an earlier attempt at it has found."""
    of_shard = CHECK_SHARDS.c.population_id == summary.population_id, CHECK_SHARDS.c.shard == part.shard
    connection.execute(delete(CHECK_SHARDS).where(*of_shard))
    found = _Stored(
        shard=part.shard,
        states=dict(summary.states),
        changed_count=changed_count,
        report=part.report,
        findings=tuple(summary.findings.items()),
        ambiguous=tuple(summary.ambiguous),
    )
    stored = msgspec.msgpack.encode(found)
    _add(connection, summary.population_id, part.shard, part.check_id, result=stored)


def find_results(database: Database, population_id: str, check_id: str) -> list[ShardResult]:
    """Return what the shards of a check found and did, without their findings."""
    with database.read() as connection:
        return [_result.decode(each) for each in _read(connection, population_id, check_id)]


@dataclass(slots=True)
class Together:
    """What the shards of a check have found together."""

    states: Counter[str] = field(default_factory=Counter)
    findings: KnownFindings = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set)
    """Names that several schedules share, because they are redacted."""
    names: dict[str, Collection[str]] = field(default_factory=dict)
    """By shard the names in it."""


def read_together(connection: Connection, population_id: str, check_id: str) -> Together:
    """Return what the shards of a check have found together."""
    found = Together()
    for each in map(_stored.decode, _read(connection, population_id, check_id)):
        of_shard = dict(each.findings)
        found.ambiguous.update(each.ambiguous, found.findings.keys() & of_shard.keys())
        found.findings |= of_shard
        found.states.update(each.states)
        found.names[each.shard] = of_shard.keys()
    return found


def read_plans(
    connection: Connection, population_id: str, since: int, schedule_ids: Sequence[str] | None = None
) -> KnownFindings:
    """Return the findings that plans of a population have recorded from a row on.

    Args:
        connection: Reads the ledger.
        population_id: The population.
        since: The first row.
        schedule_ids: Of which schedules; None: of all.
    """
    plans = select(LEDGER.c.leaf_index, LEDGER.c.record).where(
        LEDGER.c.metadata_kind == PLAN_KIND, LEDGER.c.leaf_index >= since
    )
    if schedule_ids is not None:
        plans = plans.where(one_of(LEDGER.c.schedule_id, schedule_ids))
    ordered = plans.order_by(LEDGER.c.leaf_index).execution_options(yield_per=_ROWS_AT_ONCE)
    return {
        plan.schedule_id: plan.finding_digest
        for plan in read_rows(connection.execute(ordered).tuples(), RecordedFinding)
        if plan.population_id == population_id
    }


def _read(connection: Connection, population_id: str, check_id: str) -> Iterator[bytes]:
    """Yield the stored results of a check, by shard."""
    wanted = (
        CHECK_SHARDS.c.population_id == population_id,
        CHECK_SHARDS.c.check_id == check_id,
        CHECK_SHARDS.c.shard != _THE_CHECK,
    )
    for shard in sorted(connection.scalars(select(CHECK_SHARDS.c.shard).where(*wanted)), key=_number):
        result = select(CHECK_SHARDS.c.result).where(*wanted, CHECK_SHARDS.c.shard == shard)
        yield connection.execute(result).scalar_one()


def _number(shard: str) -> int:
    return int(shard.partition("/")[0])


def _add(
    connection: Connection, population_id: str, shard: str, check_id: str, since: int = 0, result: bytes = b""
) -> None:
    row = {"population_id": population_id, "shard": shard, "check_id": check_id}
    connection.execute(insert(CHECK_SHARDS), [{**row, "leaf_index": since, "result": result}])
