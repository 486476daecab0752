"""No known secret survives the redactor, in any form in which it may be echoed."""

import json
import logging
import time
from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollback_drills.redaction import REDACTED, RedactingFilter, Redactor

SLACK_URL = "https://hooks.slack.com/services/T0123ABCD/B0456EFGH/s3cr3tTokenValue"
TEAMS_URL = (
    "https://default0f1e2d3c4b5a.12.environment.api.powerplatform.com:443/powerautomate/automations/direct"
    "/workflows/0123456789abcdef/triggers/manual/paths/invoke"
    "?api-version=1&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=Ab3_xYz-0123456789"
)


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
    ],
)
def test_replaces_a_known_secret_in_every_form(form: Callable[[str], str]) -> None:
    known = 'pä/ss+"wörd\n?=1'
    text = Redactor([known]).text(f"before {form(known)} after")
    assert REDACTED in text
    assert text.startswith("before ")
    assert text.endswith(" after")
    assert "rd" not in text.removeprefix("before ").removesuffix(" after")


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
    value = {"secret-value": [{"a": ("secret-value", 1)}], "n": None, "b": b"secret-value"}
    assert Redactor(["secret-value"]).value(value) == {
        REDACTED: [{"a": [REDACTED, 1]}],
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
    ],
)
def test_a_hostile_text_does_not_take_long(body: str) -> None:
    started = time.perf_counter()
    Redactor([SLACK_URL, TEAMS_URL]).text(body)
    assert time.perf_counter() - started < 1


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Z")), min_size=4, max_size=40)


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
