"""Compares the automations that ship with those that are there: what is to be done, and why."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from prefect.events.schemas.automations import Automation, AutomationCore

from rollback_drills_cli.automations.shipped import find_key

_COMPARED: Final = ("name", "description", "trigger", "actions")


class Step(StrEnum):
    """What is done with one automation."""

    CREATE = "create"
    UPDATE = "update"
    KEEP = "unchanged"
    LEAVE = "left alone"  # a user's own has the name


@dataclass(frozen=True, slots=True)
class Change:
    """What is done with one automation that ships."""

    step: Step
    wanted: AutomationCore
    there: Automation | None = None
    """What is there under its key, or of a user under its name."""
    fields: Sequence[str] = ()
    """Which fields differ."""

    @property
    def changes_something(self) -> bool:
        """Whether applying it writes anything."""
        return self.step in (Step.CREATE, Step.UPDATE)

    @property
    def updated(self) -> AutomationCore:
        """What is written: whether it is enabled stays as the user has it."""
        if self.there is None:
            return self.wanted
        return self.wanted.model_copy(update={"enabled": self.there.enabled})


def find_changes(wanted: Sequence[AutomationCore], there: Sequence[Automation]) -> Iterator[Change]:
    """Yield what is to be done with each automation that ships.

    One is ours if its description ends in our mark. A user's own automations are never touched: one that has
    the name of ours keeps ours from being created.

    Args:
        wanted: As they ship.
        there: All automations of the server.
    """
    ours = {key: each for each in there if (key := find_key(each))}
    others = {each.name: each for each in there if not find_key(each)}
    for each in wanted:
        found = ours.get(find_key(each))
        if found is None and each.name in others:
            yield Change(Step.LEAVE, each, others[each.name])
        elif found is None:
            yield Change(Step.CREATE, each)
        else:
            fields = [name for name in _COMPARED if getattr(each, name) != getattr(found, name)]
            yield Change(Step.UPDATE if fields else Step.KEEP, each, found, fields)
