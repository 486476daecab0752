"""The message that a source is not trusted, which goes to the platform owner alone."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from rollback_drills.names import ids
from rollback_drills.names.ids import SOURCE_ID
from rollback_drills.notifications.notice import Notice
from rollback_drills.notifications.outbox_entry import Departure, OutboxEntry
from rollback_drills.notifications.sent_notification import SentNotification
from rollback_drills.planning.notice_closings import close_routes
from rollback_drills.planning.repeats import decide_repeat
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.command_line import write_command
from rollback_drills.rendering.long_lists import name_some
from rollback_drills.rendering.sentences import one_line
from rollback_drills.trust.guard import Guard
from rollback_drills.trust.signs import Distrust, Sign

EVENT_TYPE: Final = "cavra.go_backend.rollback_drill.history_untrusted"
_MOST_NAMED: Final = 10
_WHAT: Final = {
    Sign.VANISHED: "Vanished",
    Sign.WENT_BACK: "Went back in time",
    Sign.SHRANK: "Shrank",
    Sign.TURNED_BAD: "Turned bad at once",
}


@dataclass(frozen=True, slots=True)
class Platform:
    """Who is notified of the source, and through what."""

    owner: str
    providers: tuple[str, ...] = ()
    """Empty: through any one that works."""
    any_provider: str = ""
    """The one that works, where no provider is named."""

    @property
    def ways(self) -> Iterator[tuple[str, str]]:
        """The providers, each by its name in the key of a route, which is `any` if none is named."""
        yield from ((each, each) for each in self.providers)
        if not self.providers:
            yield ids.ANY_PROVIDER, self.any_provider

    def address(self, notice: Notice) -> Iterator[OutboxEntry]:
        """Yield a notice that is sent once, through each provider."""
        for name, provider in self.ways:
            key = ids.route_key(notice.cycle_id, name, self.owner)
            yield notice.address(key, provider=provider, owner=self.owner, closes=True)


def is_notice(sent: SentNotification) -> bool:
    """Whether a notification is of the source."""
    return sent.schedule_id == SOURCE_ID


def find_open_cycles(histories: Mapping[str, Sequence[SentNotification]]) -> set[str]:
    """Return the cycles in which the platform owner was notified, and that are not closed."""
    return {
        history[-1].cycle_id
        for history in histories.values()
        if is_notice(history[-1]) and not history[-1].is_closed
    }


def find_notices(
    guard: Guard, histories: Mapping[str, Sequence[SentNotification]], platform: Platform, *, now: datetime
) -> Iterator[OutboxEntry]:
    """Yield the notices for the platform owner about what is not trusted: once, and again while it lasts.

    Args:
        guard: What the run does not believe.
        histories: By route what was sent before.
        platform: Who is notified.
        now: The instant of the run.
    """
    for cycle_id in guard.cycle_ids:
        notice = _describe(cycle_id, guard.of_cycle(cycle_id), platform, now)
        for name, provider in platform.ways:
            key = ids.route_key(cycle_id, name, platform.owner)
            spelt_key = ids.spelt_route_key(cycle_id, name, platform.owner)
            if spelt_key in histories:  # of a time when names were hashed as they were spelt
                key = spelt_key
            decision = decide_repeat(histories.get(key, ()), Readiness.NEEDS_ATTENTION, now=now)
            if decision.reason is not None:
                yield notice.address(
                    key,
                    provider=provider,
                    owner=platform.owner,
                    reason=decision.reason,
                    occurrence=decision.occurrence,
                    replaces=decision.replaces,
                    closes=False,
                )


def find_closings(
    over: Collection[str], histories: Mapping[str, Sequence[SentNotification]], *, now: datetime
) -> tuple[list[OutboxEntry], list[Departure]]:
    """Return the messages that a history is trusted again, and the routes that are closed without one."""
    of_source = {
        key: history
        for key, history in histories.items()
        if is_notice(history[-1]) and history[-1].cycle_id in over
    }
    return close_routes(of_source, lambda last: _describe_return(last, now))


def _describe(cycle_id: str, distrusts: Sequence[Distrust], platform: Platform, now: datetime) -> Notice:
    first, schedules = distrusts[0], list(dict.fromkeys(each.schedule_id for each in distrusts))
    is_one = len(schedules) == 1
    which: dict[str, str | bool] = {"schedule_id": first.schedule_id} if is_one else {"all": True}
    by_sign = {sign: [each for each in distrusts if each.sign is sign] for sign in Sign}
    more = "" if is_one else f"; likewise {len(schedules) - 1} more"
    return Notice(
        subject_id=SOURCE_ID,
        subject_name="drill-history",
        cycle_id=cycle_id,
        event_type=EVENT_TYPE,
        at=now,
        title=one_line(
            f"Drill history not trusted: {first.schedule_id if is_one else f'{len(schedules)} schedules'}"
        ),
        summary=one_line(
            f"The drill history is not trusted. {first.schedule_id}: {first.reason}{more}."
            " No other owner is notified until it is fixed. If it is right as it is, run: "
            + write_command("trust", **which, by="YOU", reason="WHY")
        ),
        facts=(
            ("Schedules", str(len(schedules))),
            *((_WHAT[sign], _list(found)) for sign, found in by_sign.items() if found),
            ("Owner", platform.owner),
        ),
        more={
            "finding_count": len(distrusts),
            "findings": [
                {"schedule_id": each.schedule_id, "sign": str(each.sign), "reason": each.reason}
                for each in distrusts[:_MOST_NAMED]
            ],
        },
    )


def _describe_return(last: SentNotification, now: datetime) -> Notice:
    return Notice(
        subject_id=SOURCE_ID,
        subject_name="drill-history",
        cycle_id=last.cycle_id,
        event_type=EVENT_TYPE,
        at=now,
        title="Drill history trusted again",
        summary=(
            "What was not trusted is right again, or somebody has confirmed that it is right as it is."
            " Owners are notified as before."
        ),
        facts=(("Owner", last.owner),),
        is_over=True,
    )


def _list(distrusts: Sequence[Distrust]) -> str:
    names = name_some([each.schedule_id for each in distrusts], _MOST_NAMED)
    return one_line(f"{len(distrusts)}: {names}")
