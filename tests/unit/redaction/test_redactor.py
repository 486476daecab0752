"""No known secret survives the redactor, in any form in which it may be echoed."""

import html
import json
import logging
import pickle
import re
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.redaction import redactor
from rollback_drills.redaction.log_filter import RedactingFilter
from rollback_drills.redaction.redactor import (
    REDACTED,
    Redactor,
    redactor_in_use,
    remember_secrets,
)
from rollback_drills.redaction.token_form import TokenForm
from rollback_drills.redaction.token_forms import TOKEN_FORMS
from tests.samples.examples import examples

SLACK_URL = "https://hooks.slack.com/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue"
TEAMS_URL = (
    "https://default0f1e2d3c4b5a.12.environment.api.powerplatform.com:443/powerautomate/automations/direct"
    "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
    "?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=Ab3_xYz-0123456789"
)


def escape_as_dotnet(text: str) -> str:
    """Escape as System.Text.Json does: with capitals, and more than JSON asks for."""
    return re.sub(r"[^\w ]", lambda found: f"\\u{ord(found[0]):04X}", text)


@pytest.mark.parametrize(
    "form",
    [
        pytest.param(lambda s: s, id="raw"),
        pytest.param(lambda s: quote(s, safe=""), id="percent-encoded"),
        pytest.param(quote, id="percent-encoded with slashes"),
        pytest.param(
            lambda s: quote(s, safe="").replace("%2F", "%2f").replace("%2B", "%2b"), id="lower-case hex"
        ),
        pytest.param(quote_plus, id="form-encoded"),
        pytest.param(lambda s: b64encode(s.encode()).decode(), id="base64"),
        pytest.param(lambda s: b64encode(s.encode()).decode().rstrip("="), id="base64 without padding"),
        pytest.param(lambda s: urlsafe_b64encode(s.encode()).decode(), id="url-safe base64"),
        pytest.param(lambda s: quote(b64encode(s.encode()).decode(), safe=""), id="percent-encoded base64"),
        pytest.param(lambda s: json.dumps(s)[1:-1], id="json"),
        pytest.param(lambda s: json.dumps(s)[1:-1].replace("/", "\\/"), id="json with escaped slashes"),
        pytest.param(repr, id="python repr"),
        pytest.param(lambda s: json.dumps(json.dumps(s))[3:-3], id="json within json"),
        pytest.param(escape_as_dotnet, id="json of .NET"),
        pytest.param(html.escape, id="html"),
        pytest.param(
            lambda s: "".join(f"&#x{ord(char):X};" if char in "+/" else char for char in s), id="entities"
        ),
        pytest.param(lambda s: quote(quote(s, safe=""), safe=""), id="percent-encoded twice"),
        pytest.param(lambda s: re.sub(r"([\\`*_\[\]|#/+])", r"\\\1", s), id="Markdown"),
        pytest.param(lambda s: " ".join(s.split()), id="in one line"),
        pytest.param(lambda s: b64encode(f"user:{s}".encode()).decode(), id="base64 after a user"),
        pytest.param(lambda s: b64encode(f"a{s}\0".encode()).decode(), id="base64 within base64"),
        pytest.param(lambda s: urlsafe_b64encode(f"ab{s}ab".encode()).decode(), id="within url-safe base64"),
    ],
)
def test_replaces_a_known_secret_in_every_form(form: Callable[[str], str]) -> None:
    known = 'pä/ss+"wörd\n?=1'
    text = Redactor([known]).text(f"before {form(known)} after")
    assert REDACTED in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "rd" not in text.removeprefix("before ").removesuffix(" after")


@pytest.mark.parametrize("secret", ["key-\U0001f511-9", "key-\ud800-9", "schl\u00fcssel\u2028neu"])
@pytest.mark.parametrize("form", [str, json.dumps, ascii, lambda s: json.dumps(s, ensure_ascii=False)])
def test_replaces_a_secret_of_any_characters(secret: str, form: Callable[[str], str]) -> None:
    assert Redactor([secret]).text(f"\U0001f600{form(secret)}\udfff").strip("\"'\U0001f600\udfff") == REDACTED


@pytest.mark.parametrize(
    "echoed", ["a%2Fb%3Dcdef9", "a%2fb%3dcdef9", "a/b=cdef9", "YS9iPWNkZWY5", "a\\u002fb\\u003dcdef9"]
)
def test_an_encoded_part_of_a_url_is_known_as_it_is_and_decoded(echoed: str) -> None:
    assert Redactor(["https://h.invalid/hook/a%2Fb%3Dcdef9"]).text(f"<{echoed}>") == f"<{REDACTED}>"


def test_what_stands_beside_a_secret_stays_as_it_is() -> None:
    text = "\ud83d\ude00 \U0001f600\r\n\x00\ufffd secret-value \udead"
    assert Redactor(["secret-value"]).text(text) == text.replace("secret-value", REDACTED)


def test_a_long_value_is_known_in_pieces(capfd: pytest.CaptureFixture[str]) -> None:
    value = "\n".join(sha256(str(line).encode()).hexdigest() for line in range(200))
    text = Redactor([value, "{[(\\"]).text(f"<{value}>")
    assert set(text.replace(REDACTED, "")) <= set("<>\n")
    assert capfd.readouterr() == ("", "")  # re2 writes its complaints there, with the pattern in them


def test_the_parts_of_headers_and_of_several_keys_are_known() -> None:
    redactor = Redactor(['{"x-key": "k9-header-value"}', "whsec_c2VjcmV0 whsec_bmV3ZXIx"])
    assert redactor.text("k9-header-value c2VjcmV0 bmV3ZXIx") == " ".join([REDACTED] * 3)


def test_replaces_the_longest_secret_first() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("x abcdefgh y") == f"x {REDACTED} y"


def test_ignores_values_too_short_to_be_secrets() -> None:
    assert Redactor(["", "a", "abc"]).text("abc of a cab") == "abc of a cab"


@pytest.mark.parametrize(
    "echoed",
    [
        pytest.param("s3cr3tTokenValue", id="last segment"),
        pytest.param("POST /services/T0123ABCD/B0456EFGH/s3cr3tTokenValue HTTP/1.1", id="path"),
        pytest.param("T0123ABCD/B0456EFGH/s3cr3tTokenValue", id="path without its start"),
        pytest.param(SLACK_URL.upper() + " s3cr3tTokenValue", id="whole url"),
    ],
)
def test_a_url_makes_its_secret_parts_known(echoed: str) -> None:
    assert "s3cr3t" not in Redactor([SLACK_URL]).text(echoed)


def test_the_parts_of_a_signed_url_are_known() -> None:
    text = Redactor([TEAMS_URL]).text("workflow 0123456789abcdef refused Ab3_xYz-0123456789")
    assert text == f"workflow {REDACTED} refused {REDACTED}"


def test_plain_words_of_a_url_stay_readable() -> None:
    redactor = Redactor(["https://example.invalid/services/rollback-drills/k3y-0123456789"])
    assert redactor.text("rollback-drills uses services") == "rollback-drills uses services"


def test_the_user_and_password_of_a_url_are_known() -> None:
    redactor = Redactor(["https://robot:pa%24%24word@example.invalid/hook"])
    basic = b64encode(b"robot:pa$$word").decode()
    assert redactor.text(f"robot pa$$word {basic}") == f"{REDACTED} {REDACTED} {REDACTED}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "see https://hooks.slack.com/services/T1/B2/xyz!",
            "see https://hooks.slack.com/services/[redacted]",
        ),
        ("https://hooks.slack.com/triggers/E1/2/abc", "https://hooks.slack.com/triggers/[redacted]"),
        ("GET /services/T1/B2/xyz gone", "GET /services/[redacted] gone"),
        ("https://a.webhook.office.com/webhookb2/x@y/z", "https://a.webhook.office.com/[redacted]"),
        ("https://h/p?sv=1&sig=abc%2F&x=1", "https://h/p?sv=1&sig=[redacted]&x=1"),
        ("https://h/p?token=abc#f", "https://h/p?token=[redacted]#f"),
        ("https://h/p?key=abc def", "https://h/p?key=[redacted] def"),
        ("https%3A%2F%2Fh%3Ftoken%3Dabc%26x%3D1", "https%3A%2F%2Fh%3Ftoken%3D[redacted]%26x%3D1"),
        ("Authorization: Bearer abc.def", "Authorization: Bearer [redacted]"),
        ('{"authorization": "Basic dTpw"}', '{"authorization": "Basic [redacted]"}'),
        ("'x-sn-apikey': 'now_abc'", "'x-sn-apikey': '[redacted]'"),
        ("used Bearer abcdefgh1 here", "used Bearer [redacted] here"),
        ("GenieKey 0123-4567-89ab", "GenieKey [redacted]"),
        ("Splunk 0123-4567-89ab", "Splunk [redacted]"),
        ("token xoxb-123-abc", "token [redacted]"),
        ("ghp_abcdefghijklmnop", "[redacted]"),
        ("github_pat_abcdefghijklmnop", "[redacted]"),
        ("key whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "key [redacted]"),
        ("https://user:pass@example.invalid/x", "https://[redacted]@example.invalid/x"),
        ("https://0a1b2c@errors.example.invalid/1", "https://[redacted]@errors.example.invalid/1"),
        ("https://user:p@ss@example.invalid/x", "https://[redacted]@example.invalid/x"),
        ("https:/user:pass@example.invalid/x", "https:/[redacted]@example.invalid/x"),  # as a path has it
        ("postgresql+psycopg://drills:pw@db/evidence", "postgresql+psycopg://[redacted]@db/evidence"),
        ("jwt eyJhbGciOi.eyJzdWIi.abc", "jwt [redacted]"),
    ],
)
def test_replaces_what_looks_like_a_credential(text: str, expected: str) -> None:
    assert Redactor().text(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "basic authentication is required",
        "https://example.invalid/api/issues?project=OPS",
        "pg_dump --dbname='postgresql://drills@db/evidence'",
        "postgresql+psycopg://drills@db/evidence",
        "the key of the issue is OPS-12",
        "rollback drill overdue: payments (production)",
        "",
    ],
)
def test_leaves_innocent_text_alone(text: str) -> None:
    assert Redactor().text(text) == text


def test_redacting_twice_changes_nothing() -> None:
    redactor = Redactor([SLACK_URL])
    once = redactor.text(f"Authorization: Bearer abc1defgh and {SLACK_URL}?token=abc https://u:p@h/")
    assert redactor.text(once) == once


def test_redacts_keys_and_values_at_any_depth() -> None:
    value: Any = {"secret-value": [{"a": ("secret-value", 1)}], "n": None, "b": b"secret-value"}
    assert Redactor(["secret-value"]).value(value) == {
        REDACTED: [{"a": (REDACTED, 1)}],
        "n": None,
        "b": REDACTED,
    }


def test_a_value_that_contains_itself_ends() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert REDACTED in str(Redactor(["secret-value"]).value(endless))


def test_the_filter_redacts_message_arguments_and_traceback(caplog: pytest.LogCaptureFixture) -> None:
    logger = logging.getLogger("test-redaction")
    caplog.handler.addFilter(RedactingFilter(Redactor(["secret-value"])))
    with caplog.at_level(logging.INFO):
        try:
            int("secret-value")
        except ValueError:
            logger.exception("sending to %s", "secret-value")
    assert "ValueError" in caplog.text
    assert REDACTED in caplog.text
    assert "secret-value" not in caplog.text


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("a." * 32_000, id="dots"),
        pytest.param("-eyJ" * 16_000, id="starts of tokens"),
        pytest.param("Bearer " * 9_000, id="schemes"),
        pytest.param("authorization" + " " * 64_000, id="blanks"),
        pytest.param("?token=" * 9_000, id="queries"),
        pytest.param("/services/T" + "T" * 64_000, id="a long path"),
        pytest.param("a://" * 16_000, id="urls"),
        pytest.param("s3cr3t-Token-1/" * 4_300, id="nothing but starts of a secret"),
        pytest.param("s3cr3t-Token-1/Value" * 3_200, id="nothing but secrets"),
        pytest.param(b64encode(b"s3cr3t-Token-1/Value" * 2_400).decode(), id="secrets in base64"),
        pytest.param("A" * 64_000, id="base64 of nothing"),
        pytest.param("\\\\" * 32_000, id="backslashes"),
        pytest.param("%25" * 21_000, id="encoded percent signs"),
        pytest.param("&amp;" * 13_000, id="encoded ampersands"),
    ],
)
def test_a_hostile_text_does_not_take_long(body: str) -> None:
    redactor = Redactor([SLACK_URL, TEAMS_URL, *(f"s3cr3t-Token-{number}/Value" for number in range(25))])
    started = time.process_time()
    redactor.text(body)
    assert time.process_time() - started < 0.5


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=4, max_size=40)


@pytest.mark.slow
@given(secrets=st.lists(PRINTABLE, min_size=1, max_size=4), before=st.text(), after=st.text())
def test_never_leaves_a_known_secret(secrets: list[str], before: str, after: str) -> None:
    redactor = Redactor(secrets)
    for secret in secrets:
        forms = {
            secret,
            quote(secret, safe=""),
            quote(secret),
            b64encode(secret.encode()).decode(),
            urlsafe_b64encode(secret.encode()).decode().rstrip("="),
            json.dumps(secret)[1:-1],
        }
        for form in forms:
            # The replacement is taken out, for it may itself hold a secret such as "dact".
            assert form not in redactor.text(f"{before}{form}{after}").replace(REDACTED, "\0")


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [pattern for pattern, _ in redactor._PATTERNS])
@settings(max_examples=examples(100))
@given(data=st.data())
def test_no_pattern_finds_what_has_no_trigger(pattern: re.Pattern[str], data: st.DataObject) -> None:
    text = data.draw(st.from_regex(pattern))
    assert redactor._TRIGGERS.search(text.encode(errors="surrogatepass"))


DIGEST = re.compile("[0-9a-f]{32,}|[0-9A-F]{32,}")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("length", "write"),
    [
        (32, str.lower),
        (40, str.upper),
        (64, str.lower),
        *(
            pytest.param(*each, marks=pytest.mark.chaos)
            for each in ((32, str.upper), (40, str.lower), (64, str.upper))
        ),
    ],
)
def test_no_digest_is_taken_for_a_token(length: int, write: Callable[[str], str]) -> None:
    digests = [f"{number:04x}{sha256(b'%d' % number).hexdigest()}"[:length] for number in range(16**4)]

    text = "\n".join(f'"sha256:{write(each)}"' for each in digests)

    assert Redactor().text(text) == text


def test_what_begins_like_a_digest_may_still_be_a_token() -> None:
    key = "4b1d" + "aB3x" * 9 + "Zz"

    assert Redactor().text(f"key {key}") == "key [redacted]"


@pytest.mark.slow
@pytest.mark.parametrize("form", TOKEN_FORMS, ids=[f"{each.issuer} {each.prefix}" for each in TOKEN_FORMS])
@settings(max_examples=5)
@given(data=st.data())
def test_every_form_of_a_token_is_taken_out(form: TokenForm, data: st.DataObject) -> None:
    tokens = st.from_regex(re.compile(form.pattern, re.ASCII), fullmatch=True)
    token = data.draw(tokens.filter(lambda each: not DIGEST.fullmatch(each)))
    assert Redactor().text(f"<{token}>").startswith(f"<{REDACTED}")


def test_what_was_opened_is_in_use_from_then_on() -> None:
    assert redactor_in_use().text("first-value") == "first-value"

    remember_secrets(["first-value"])
    first = redactor_in_use()
    remember_secrets(["first-value"])

    assert redactor_in_use() is first  # nothing new
    remember_secrets(["other-value"])
    assert redactor_in_use().text("first-value, other-value") == f"{REDACTED}, {REDACTED}"


@pytest.mark.parametrize(
    ("secret", "innocent"),
    [
        pytest.param("https://payments:pa55word@h.invalid/hook", "payments", id="user"),
        pytest.param("https://h.invalid/hooks/payments-team/k3y-0123456789", "payments-team", id="segment"),
        pytest.param("https://h.invalid/hooks/payments", "see docs/hooks/payments", id="path of words"),
        pytest.param("https://h.invalid/x?sp=%2Ftriggers%2Fmanual%2Frun", "/triggers/manual/run", id="query"),
        pytest.param("https://h.invalid/x?api-version=2016-06-01", "2016-06-01", id="date"),
        pytest.param("https://h.invalid/x/12345678", "12345678", id="number"),
        pytest.param('{"accept": "application/json"}', "application/json", id="header"),
        pytest.param("Bearer k3y-0123456789", "Bearer", id="scheme"),
    ],
)
def test_what_is_in_use_leaves_words_dates_and_numbers_alone(secret: str, innocent: str) -> None:
    remember_secrets([secret])
    assert redactor_in_use().text(f"{innocent}; {secret}") == f"{innocent}; {REDACTED}"


@pytest.mark.parametrize(
    ("secret", "echoed"),
    [
        pytest.param("changeme", "changeme", id="a whole value, even if it is a word"),
        pytest.param("https://payments:hunter@h.invalid/hook", "hunter", id="password"),
        pytest.param("https://h.invalid/hook?sig=abcdefgh", "abcdefgh", id="value of a query that says it"),
        pytest.param(SLACK_URL, "s3cr3tTokenValue", id="segment that looks like a key"),
        pytest.param("https://h.invalid/" + "kqzvwx" * 4, "kqzvwx" * 4, id="longer than a word"),
        pytest.param("Bearer k3y-0123456789", "k3y-0123456789", id="credential after its scheme"),
    ],
)
def test_what_is_in_use_takes_out_keys(secret: str, echoed: str) -> None:
    remember_secrets([secret])
    assert redactor_in_use().text(f"<{echoed}>") == f"<{REDACTED}>"


def test_the_values_are_in_no_repr_and_in_no_pickle() -> None:
    remember_secrets(["secret-value-of-repr"])
    in_use = redactor_in_use()
    assert "secret-value" not in repr((in_use, vars(in_use), redactor._in_use))
    with pytest.raises(TypeError, match="cannot be pickled"):
        pickle.dumps(in_use)


def make_record(message: str = "%d drills", *args: object, **extra: object) -> logging.LogRecord:
    """Make a record as a logger does."""
    return logging.makeLogRecord({"msg": message, "args": args, "name": "test", **extra})


def test_the_filter_knows_what_is_opened_later() -> None:
    redacting = RedactingFilter()
    remember_secrets(["secret-value"])
    record = make_record("sent to %s", "secret-value", address="secret-value", stack_info="secret-value")

    assert redacting.filter(record)

    assert record.getMessage() == f"sent to {REDACTED}"
    assert record.__dict__["address"] == REDACTED
    assert record.stack_info == REDACTED


def test_the_filter_leaves_an_innocent_record_as_it_is() -> None:
    record = make_record("%d drills", 3, flow_run_name="payments")
    before = {**vars(record)}
    assert RedactingFilter(Redactor(["secret-value"])).filter(record)
    assert vars(record) == before


def test_the_filter_lets_a_record_pass_whose_arguments_do_not_fit() -> None:
    record = make_record("%d drills of %s", "secret-value")
    assert RedactingFilter(Redactor(["secret-value"])).filter(record)
    assert "secret-value" not in f"{record.msg} {record.args}"


class Shown(msgspec.Struct):
    text: str


def test_a_struct_is_redacted_and_stays_one() -> None:
    document = {"items": [Shown(f"sent to {SLACK_URL}")]}

    assert SLACK_URL not in str(Redactor([SLACK_URL]).document(document))
    assert Redactor([SLACK_URL]).value(Shown("plain")) == Shown("plain")
    assert Redactor(["text"]).document(Shown("no text")) == Shown(f"no {REDACTED}")


class Sparse(Shown, omit_defaults=True):
    days: tuple[str, ...] = ("mon", "tue")
    closed: tuple[str, ...] = ()


def test_a_redacted_struct_still_leaves_out_what_has_its_default() -> None:
    redacted = Redactor(["secret-text"]).document(Sparse("secret-text"))

    assert msgspec.to_builtins(redacted) == {"text": REDACTED}


class Checked(Shown):
    def __post_init__(self) -> None:
        if not self.text.startswith("20"):
            raise ValueError(self.text)


def test_a_struct_is_redacted_although_its_own_rules_refuse_what_it_says_then() -> None:
    document = {"cadence": Checked("2026-01-06T10:00")}

    redacted = Redactor(["2026-01-06T10:00"]).document(document)

    assert msgspec.to_builtins(redacted) == {"cadence": {"text": REDACTED}}
    assert document == {"cadence": Checked("2026-01-06T10:00")}


def test_of_a_large_document_only_what_holds_a_secret_is_another_object() -> None:
    runs = [{"schedule_id": f"service-{n}", "reason": "overdue " * 9} for n in range(100)]
    document = {"runs": [*runs, {"detail": "answered 401 to the-secret-value"}]}

    redacted = Redactor(["the-secret-value"]).document(document)

    assert redacted["runs"][-1] == {"detail": f"answered 401 to {REDACTED}"}
    assert all(one is other for one, other in zip(redacted["runs"], runs, strict=False))
    assert document["runs"][-1] == {"detail": "answered 401 to the-secret-value"}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"schema_version":"cavra.connector.delivery.v1"', id="a version"),
        pytest.param('"evidence_refs":["go-rollback-drill://ci/payments-2026-11"]', id="a reference"),
        pytest.param('"route_key":"gordroute-38734f4b1d724bba"', id="an id"),
        pytest.param("https://prefect.example.com/runs/flow-run/1?g=1", id="a link"),
    ],
)
def test_ordinary_texts_are_not_looked_at_closely(text: str) -> None:
    assert not redactor._TRIGGERS.search(text.encode())
