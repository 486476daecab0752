"""Prints an explanation for people."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from rollback_drills.rendering.sentences import write_sentences
from rollback_drills_cli.terminal.output import print_line, print_sentence, print_table

if TYPE_CHECKING:
    from rollback_drills.reports.explained import Explained
    from rollback_drills.reports.past_check import PastCheck

_MOST_DRILLS: Final = 10


def print_explanation(explanation: "Explained") -> None:
    """Print what today's documents give."""
    print_sentence(f"{explanation.schedule_id} at {explanation.at}: {explanation.status.replace('_', ' ')}")
    print_sentence(write_sentences(explanation.message))
    for warning in explanation.warnings:
        if warning not in explanation.message:
            print_sentence(write_sentences(warning))
    if explanation.next_due_at:
        print_sentence(write_sentences(f"Due {explanation.next_due_at}: {explanation.due_because}"))
    else:
        print_sentence(write_sentences(f"No due time: {explanation.due_because}"))
    for each in explanation.documents:
        print_line(f"Read {each.path}" + (f" (sha256 {each.sha256[:16]}…)" if each.sha256 else ""))
    rows = [
        (
            each.drill_id or "without an id",
            each.executed_at,
            "yes" if each.accepted else "no",
            "; ".join(each.problems),
            ", ".join(each.windows),
        )
        for each in explanation.drills[:_MOST_DRILLS]
    ]
    more = len(explanation.drills) - len(rows)
    print_table(
        f"Drills{f', {more} older ones left out' if more else ''}",
        ("drill", "performed", "counts", "why not", "in window"),
        rows,
    )
    for route in explanation.routes:
        what = "notified" if route.action == "deliver" else f"not notified ({route.category})"
        print_sentence(f"{route.owner} through {route.provider}: {what}. {route.reason}.")
        for answer in route.answers:
            mark = "->" if answer.decides else "  "
            print_sentence(f"  {mark} {answer.question} {answer.answer}")
        print_sentence(f"     What would change it: {route.change}.")
    if not explanation.routes:
        print_sentence("No route: nobody would be notified.")


def print_recorded(past: "PastCheck", differences: Sequence[str]) -> None:
    """Print what the evidence says, and where that differs."""
    print_sentence(
        f"Recorded in row {past.plan_row} at {past.planned_at}: {past.status.replace('_', ' ')},"
        f" session {past.session_id}."
    )
    for each in past.decisions:
        until = f", deferred until {each.deferred_until}" if each.deferred_until else ""
        print_sentence(
            f"  {each.owner} through {each.provider}: {each.action} ({each.category}) {each.reason}{until}"
        )
    for delivery in past.deliveries:
        print_sentence(
            f"  row {delivery.row}, {delivery.at}: {delivery.owner} through {delivery.provider}:"
            f" {delivery.outcome}"
        )
    if past.last_check_at:
        print_sentence(f"  the last check before that time: {past.last_check_at}, row {past.last_check_row}")
    for difference in differences:
        print_sentence(f"  differs: {difference}")
