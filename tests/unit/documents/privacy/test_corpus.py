"""The recogniser of private texts, against texts of real drills and against made-up secrets and hosts."""

import json
from hashlib import sha256
from typing import Any

import pytest

from rollback_drills.documents.history import History
from rollback_drills.documents.plain_json import PlainJson
from rollback_drills.documents.privacy.privacy_rules import RULES, PrivateKind, find_private, may_hold_private
from rollback_drills.documents.quotation import show
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.schedule import Schedule
from rollback_drills.redaction.redactor import Redactor
from rollback_drills.redaction.token_forms import TOKEN_FORMS
from tests.corpus.reading import read_harmless, read_private
from tests.samples.builders import DRILL, SCHEDULE, written

HARMLESS = read_harmless()
SECRETS = list(read_private())
SEEDS = range(10)
HISTORY = "cavra.go-backend-rollback-drill-history.v1"


def test_the_corpus_is_large_enough_to_say_something() -> None:
    assert len(set(HARMLESS)) >= 500
    assert sum(kind is PrivateKind.CREDENTIAL for kind, _ in SECRETS) >= 200
    assert len(SECRETS) >= 300


@pytest.mark.slow
def test_precision_and_recall() -> None:
    refused = [text for text in HARMLESS if find_private(text)]
    private = [text for seed in SEEDS for _, text in read_private(seed)]
    missed = [text for text in private if not find_private(text)]

    precision = (len(private) - len(missed)) / (len(private) - len(missed) + len(refused) * len(SEEDS))
    recall = 1 - len(missed) / len(private)
    assert (precision, refused) == (1, [])
    assert recall >= 0.999, missed


@pytest.mark.parametrize(
    "around", ["{}", "see {} please", "({})", "{}.", '"{}"', "{}, then", "Fehler: {} – ü"]
)
def test_what_stands_around_a_secret_does_not_hide_it(around: str) -> None:
    hidden = [
        text
        for kind, text in SECRETS
        if kind is not PrivateKind.PATH and not find_private(around.replace("{}", text))
    ]
    assert set(hidden) <= {"password: swordfish"}  # a word that words follow: "password: rotated by the team"


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fast_look_finds_every_text_of_the_corpus(seed: int) -> None:
    for _, text in read_private(seed):
        for is_ascii in (True, False):
            assert may_hold_private(json.dumps([text], ensure_ascii=is_ascii).encode()), text


@pytest.mark.parametrize("seed", SEEDS)
def test_a_value_is_masked_in_a_message_if_its_text_is_private(seed: int) -> None:
    for _, text in read_private(seed):
        for value in (text, [text, 1], {"found": text}):
            is_private = bool(find_private(json.dumps(value, ensure_ascii=False)))
            assert (show(value) == "a value that must not be shown") is is_private, value


def test_a_refused_text_says_what_it_is() -> None:
    wrong = [
        (text, kind, found)
        for kind, text in SECRETS
        if (found := find_private(text)) is not kind
        and not any(rule.refuses(text) and rule.kind is kind for rule in RULES)
    ]
    assert wrong == []


def test_every_harmless_text_may_stand_in_a_history() -> None:
    drills = [{**DRILL, "scenario": text} for text in HARMLESS]
    history = {"schema_version": HISTORY, "environment": "production", "drills": drills}

    assert parse_document(History, written(history), "history.json").problem == ""


def test_every_form_of_a_token_has_its_source() -> None:
    for form in TOKEN_FORMS:
        assert form.source.startswith(("https://", "rollback_drills/")), form.issuer


@pytest.mark.slow
def test_the_redactor_takes_out_every_token_that_shows_what_it_is() -> None:
    shown = [
        text
        for seed in SEEDS
        for kind, text in read_private(seed)
        if kind is PrivateKind.CREDENTIAL and RULES[0].refuses(text) and Redactor().text(text) == text
    ]
    assert shown == []


def review_of(text: str, **changes: Any) -> PlainJson:
    """Make the review of a text."""
    return {
        "sha256": sha256(text.encode()).hexdigest(),
        "reviewed_by": "security-team",
        "reviewed_at": "2026-11-05T09:00:00Z",
        "reason": "the name of a topic",
        **changes,
    }


def test_a_reviewed_value_may_be_published_and_no_other() -> None:
    windows = [
        {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z", "reason": "topic acme.it"}
    ]
    schedule = {**SCHEDULE, "maintenance_windows": windows, "reviewed_values": [review_of("topic acme.it")]}

    assert parse_document(Schedule, written(schedule), "schedule.json").problem == ""

    windows[0]["reason"] = "topic acme.it!"
    problem = parse_document(Schedule, written(schedule), "schedule.json").problem
    assert "$.maintenance_windows[0].reason holds a host name or address" in problem


def test_both_readers_take_a_reviewed_value() -> None:
    drill = {
        **DRILL,
        "scenario": "acme.it",
        "executed_at": "2026-11-05T09:00:00",
    }  # the careful one: no offset
    history = {"schema_version": HISTORY, "drills": [drill], "reviewed_values": [review_of("acme.it")]}

    loaded = parse_document(History, written(history), "history.json")

    assert loaded.problem == ""
    assert loaded.without_offset


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"reviewed_by": ""}, "$.reviewed_values[0].reviewed_by"),
        ({"reviewed_by": " "}, "$.reviewed_values[0].reviewed_by is blank"),
        ({"reason": ""}, "$.reviewed_values[0].reason"),
        ({"reason": "\u200b"}, "$.reviewed_values[0].reason is blank"),
        ({"sha256": "ABC"}, "$.reviewed_values[0].sha256"),
        ({"value": "acme.it"}, "holds a host name"),
    ],
)
def test_a_review_says_who_when_and_why(changes: PlainJson, fault: str) -> None:
    schedule = {**SCHEDULE, "reviewed_values": [review_of("x", **changes)]}

    assert fault in parse_document(Schedule, written(schedule), "schedule.json").problem


def test_no_review_lets_a_control_character_through() -> None:
    schedule = {**SCHEDULE, "runbook_ref": "a\x07b", "reviewed_values": [review_of("a\x07b")]}

    assert "holds a control character" in parse_document(Schedule, written(schedule), "schedule.json").problem
