import json
import time
from collections.abc import Iterator
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.documents.fields import Document, ReviewedValue
from rollback_drills.documents.history import History
from rollback_drills.documents.privacy.privacy_rules import (
    RULES,
    PrivateKind,
    Rule,
    find_private,
    may_hold_private,
)
from rollback_drills.documents.reading.reader import parse_document
from rollback_drills.documents.routing_policy import RoutingPolicy
from rollback_drills.documents.schedule import Schedule
from tests.samples.builders import DRILL, SCHEDULE, written
from tests.samples.examples import examples


@pytest.mark.parametrize(
    "text",
    [
        "go-rollback-drill://ci/python-fallback-restored",
        "docs/go-backend-rollback-drill-scheduling.md",
        "runbook.md#step-2",
        "cavra.go-backend-rollback-drill-schedule.v1",
        "release-governance",
        "production change freeze, v1.2.3",
        "2026-06-20T15:40:00Z",
        "",
    ],
)
def test_a_text_for_everybody_is_let_through(text: str) -> None:
    assert find_private(text) is None


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("https://x", PrivateKind.URL),
        ("see postgres://db", PrivateKind.URL),
        ("go-rollback-drill://ci.example.com/run", PrivateKind.URL),
        ("db1.prod.internal", PrivateKind.HOST),
        ("LOCALHOST", PrivateKind.HOST),
        ("192.168.1.10", PrivateKind.HOST),
        ("2001:db8:0:0:0:0:0:1", PrivateKind.HOST),
        ("ops@example.com", PrivateKind.EMAIL),
        ("/home/ops/runbook.md", PrivateKind.PATH),
        ("~/drills", PrivateKind.PATH),
        ("../secret", PrivateKind.PATH),
        ("whsec_abc", PrivateKind.CREDENTIAL),
        ("ghp_0123456789abcdef", PrivateKind.CREDENTIAL),
        ("AKIAABCDEFGHIJKLMNOP", PrivateKind.CREDENTIAL),
        ("password: x", PrivateKind.CREDENTIAL),
    ],
)
def test_a_private_text_is_found_with_its_kind(text: str, kind: PrivateKind) -> None:
    assert find_private(text) == kind


REVIEWED = {
    "reviewed_by": "security-team",
    "reviewed_at": "2026-11-05T09:00:00Z",
    "reason": "the name of a topic",
}
PIECES = st.sampled_from(
    [
        *(
            "xoxb-",
            "xapp-",
            "ghp_",
            "github_pat_",
            "glpat-",
            "whsec_",
            "sk-",
            "AKIA",
            "-----BEGIN ",
            "eyJ",
            "bearer ",
        ),
        *(
            "basic ",
            "splunk ",
            "localhost",
            "private/",
            "docs/",
            ".md",
            "x-drill://",
            "/",
            "home",
            "a",
            "Z9",
            " ",
            "-",
        ),
        *(
            "password: ",
            "token=",
            "secret ",
            "Aa1Bb2Cc3Dd4",
            "u:pa55w0rd@",
            "-u ",
            "--token ",
            "www",
            "sig=",
            "xn--",
        ),
        *(
            ".it",
            ".acme",
            ".events",
            ":443",
            ".com.py",
            ".рф",
            "ü.de",
            "2001:db8",
            "$2b$12$",
            "drills_",
            "/Ab3",
        ),
        *("0123456789abcdef", "git-drill://", "ssh", "token=", "@", "etc/"),
        *("x" * 16, "0123456789ABCDEFabcdef", "é", '"', "\\", "1.2.3.4", "::", ".com", "\x7f", "\n"),
    ]
)


@pytest.mark.slow
@settings(max_examples=examples(2_000))
@given(st.lists(PIECES, max_size=6).map("".join))
def test_the_fast_look_never_lets_through_what_the_close_look_refuses(text: str) -> None:
    if any(rule.refuses(text) for rule in RULES):
        assert may_hold_private(json.dumps({"reason": text, "providers": [text]}).encode())


def example_of(annotation: Any, text: str) -> Iterator[Any]:
    """Return values of a field's type that hold the text, one for each place it can stand in."""
    if annotation is str:
        yield text
    elif isinstance(annotation, type) and issubclass(annotation, Document):
        yield from documents_with(annotation, text)
    elif getattr(annotation, "__origin__", None) is dict:
        yield {text: {}}
        for value in example_of(get_args(annotation)[1], text):
            yield {"key": value}
    elif getattr(annotation, "__origin__", None) is tuple:
        for value in example_of(get_args(annotation)[0], text):
            yield [value]
    else:
        for argument in get_args(annotation):
            yield from example_of(argument, text)


def documents_with(model: type[Document], text: str) -> Iterator[dict[str, Any]]:
    """Return a document for each field of the model that can hold a text, with the text in it."""
    needed: dict[str, Any] = {}
    if model is ReviewedValue:
        needed = {**REVIEWED, "sha256": "0" * 64}
    if "start_at" in model.__struct_fields__:
        needed = {"start_at": "2026-01-01T00:00:00Z", "end_at": "2026-01-02T00:00:00Z"}
    if model.__name__ == "SharedOwnerRule":
        needed = {"owners": ["a"]}
    for field in msgspec.structs.fields(model):
        for value in example_of(field.type, text):
            yield {**needed, field.name: value}


@pytest.mark.parametrize("model", [Schedule, History, RoutingPolicy])
def test_there_is_no_field_in_which_a_url_goes_unnoticed(model: type[Document]) -> None:
    documents = list(documents_with(model, "https://x"))
    assert len(documents) >= 5

    for document in documents:
        loaded = parse_document(model, json.dumps(document).encode(), "document.json")
        assert "holds a URL" in loaded.problem, document


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("fe80::1", PrivateKind.HOST),
        ("2001:db8::8a2e:370:7334", PrivateKind.HOST),
        ("::1", PrivateKind.HOST),
        ("10.1.2.3:8443", PrivateKind.HOST),
        ("(db-1.corp)", PrivateKind.HOST),
        ("a.b.c.d.e.f.g.h.i.j.k.example.com", PrivateKind.HOST),
        ("C:/drills", PrivateKind.PATH),
        ("\\\\server", PrivateKind.PATH),
        ("docs/../../x", PrivateKind.PATH),
        ("x-drill://ci-/root", PrivateKind.PATH),
        ("Basic dXNlcjpwYXNz", PrivateKind.CREDENTIAL),
        ("xoxb-1", PrivateKind.CREDENTIAL),
        ("-----BEGIN PRIVATE KEY-----", PrivateKind.CREDENTIAL),
        ("eyJhbGciOiJIUzI1NiJ9.e30.x", PrivateKind.CREDENTIAL),
        ("aZ0aZ0aZ0aZ0aZ0aZ0aZ0aZ0aZ0aZ0aZ", PrivateKind.CREDENTIAL),
        ("first.last+tag@example.com", PrivateKind.EMAIL),
    ],
)
def test_less_common_private_texts_are_found_too(text: str, kind: PrivateKind) -> None:
    assert find_private(text) == kind
    assert find_private(f"see {text} please") == kind
    assert may_hold_private(json.dumps([text]).encode())


@pytest.mark.parametrize(
    "text",
    ["std::vector", "10:30", "12:30:45", "step 1: restore", "v1.2.3", "a/b/c", "team:payments", "50 %"],
)
def test_what_only_resembles_an_address_is_let_through(text: str) -> None:
    assert find_private(text) is None


@pytest.mark.slow
@pytest.mark.parametrize("rule", RULES, ids=[f"{each.kind}-{index}" for index, each in enumerate(RULES)])
@settings(max_examples=examples(100))
@given(st.data(), st.sampled_from(["", " ", "x", "é", "/", '"']))
def test_the_fast_look_finds_all_that_any_rule_refuses(rule: Rule, data: st.DataObject, around: str) -> None:
    text = around + data.draw(st.from_regex(rule.exact)) + around
    text_in_json = json.dumps([text], ensure_ascii=data.draw(st.booleans()))
    if any(each.refuses(text) for each in RULES):
        assert may_hold_private(text_in_json.encode())


def test_the_fast_look_lets_ordinary_documents_through() -> None:
    assert not may_hold_private(json.dumps({**SCHEDULE, "reason": "Release freeze, v1.2 (Q4)"}).encode())
    assert not may_hold_private(written({"drills": [DRILL]}))


@pytest.mark.slow
@pytest.mark.parametrize(
    "piece",
    [
        *(
            "a",
            "a-",
            "a.",
            "a ",
            "Aa1",
            "/",
            ":",
            "1.",
            "ab:",
            "@",
            "~",
            "a@",
            "-eyJ",
            "token: a",
            "password ",
        ),
        *(
            "-u a:",
            "a:bcde@",
            "x.xn--",
            "Aa1/",
            "bearer abcdefgh ",
            "a::",
            "aB1",
            "ü.",
            "a.b.c.md ",
            "secret-",
        ),
    ],
)
def test_a_long_text_does_not_take_long(piece: str) -> None:
    started = time.process_time()

    find_private(piece * (60_000 // len(piece)))

    assert time.process_time() - started < 2
