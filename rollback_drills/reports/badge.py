"""Draws the state of a schedule as an SVG badge."""

import html
from typing import Final

from rollback_drills.readiness.judgement import Judgement
from rollback_drills.readiness.states import Readiness
from rollback_drills.rendering.xml import legal

LABEL: Final = "rollback drill"
LABEL_COLOUR: Final = "#333333"
TEXT_COLOUR: Final = "#ffffff"
COLOURS: Final = {
    Readiness.READY: "#2e7d32",
    Readiness.DUE_SOON: "#8a5a00",
    Readiness.NEEDS_ATTENTION: "#b3261e",
    Readiness.NOT_REQUESTED: "#5f6368",
}
"""White on each of them has a contrast of at least 4.5, as WCAG 2.2 AA asks for."""
_PIXELS_OF_A_CHARACTER: Final = 6.5  # the text is stretched to its place, so that no font changes the layout
_MARGIN: Final = 8


def build_badge(judgement: Judgement) -> str:
    """Draw the badge of one schedule: its state, and when the drill is due.

    The id of the schedule is in the title, which is read aloud and shown under the pointer.
    """
    state = judgement.readiness
    due = judgement.schedule.next_due_at
    words = state.replace("_", " ")
    value = f"{words} · due {due[:10]}" if due and state.acceptable else words
    title = f"Rollback drill of {judgement.cycle.schedule_id}: {words}"
    title += f", due {due}" if due else ""
    escaped = html.escape(legal(title))
    left, right = _width(LABEL), _width(value)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="20" role="img"'
        f' aria-label="{escaped}">\n'
        f"<title>{escaped}</title>\n"
        f'<rect width="{left}" height="20" fill="{LABEL_COLOUR}"/>\n'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[state]}"/>\n'
        f'<g fill="{TEXT_COLOUR}" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11">\n'
        f"{_text(LABEL, 0)}\n{_text(value, left)}\n"
        "</g>\n</svg>\n"
    )


def _width(text: str) -> int:
    return round(len(text) * _PIXELS_OF_A_CHARACTER) + 2 * _MARGIN


def _text(text: str, start: int) -> str:
    stretched = f'textLength="{_width(text) - 2 * _MARGIN}" lengthAdjust="spacingAndGlyphs"'
    return f'<text x="{start + _MARGIN}" y="14" {stretched}>{html.escape(text)}</text>'
