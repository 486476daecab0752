"""Private texts with hidden characters, wide letters and other signs that people read as the plain ones."""

import json
import sys

import pytest

from rollback_drills.documents.history import History
from rollback_drills.documents.privacy.privacy_rules import PrivateKind, find_private, may_hold_private
from rollback_drills.documents.privacy.shown_text import read_as_shown
from rollback_drills.documents.reading.reader import parse_document
from tests.samples.builders import DRILL

HISTORY = "rollback-drills.history.v1"
BOLD_PASSWORD = "\U0001d429\U0001d41a\U0001d42c\U0001d42c\U0001d430\U0001d428\U0001d42b\U0001d41d"
DISGUISED = {
    "db1.payments\u200b.internal": PrivateKind.HOST,
    "db1.\u200bpayments.\u2060internal": PrivateKind.HOST,
    "db1．payments．internal": PrivateKind.HOST,
    "db1[.]payments[.]internal": PrivateKind.HOST,
    "db1(.)payments(.)internal": PrivateKind.HOST,
    "db1。example。com": PrivateKind.HOST,
    "10.0.\u200b0.1": PrivateKind.HOST,
    "１０.０.０.１": PrivateKind.HOST,
    "／home／ana": PrivateKind.PATH,
    "password:\u200bhunter2hunter2": PrivateKind.CREDENTIAL,
    "pass\u00adword=hunter2hunter2": PrivateKind.CREDENTIAL,
    "ｐａｓｓｗｏｒｄ＝hunter2hunter2": PrivateKind.CREDENTIAL,
    f"{BOLD_PASSWORD}=hunter2hunter2": PrivateKind.CREDENTIAL,
    "AKIA\u200bIOSFODNN7EXAMPLE": PrivateKind.CREDENTIAL,
    "glpat\u2011ABCdef1234567890_xyz": PrivateKind.CREDENTIAL,
}


@pytest.mark.parametrize(("text", "kind"), DISGUISED.items())
def test_a_private_text_is_found_as_people_see_it(text: str, kind: PrivateKind) -> None:
    assert find_private(text) is kind
    assert may_hold_private(json.dumps([text], ensure_ascii=False).encode())
    drills = [{**DRILL, "scenario": text}]
    history = {"schema_version": HISTORY, "environment": "production", "drills": drills}

    read = parse_document(History, json.dumps(history, ensure_ascii=False).encode(), "history.json")

    assert read.problem == (
        f"history.json: $.drills[0].scenario holds {kind}, which a published document must not name;"
        " leave it out"
    )


@pytest.mark.parametrize(
    "text",
    [
        "回滚完成。数据库已切换。用时７分钟。",
        "切换到API。HTTP入口正常",
        "team 👨\u200d👩\u200d👧 performed it",
        "می\u200cخواهم",
        "step ② took １５ minutes（planned：２０）",
        "the list (.) was empty [.]",
        "blue\u2011green",
    ],
)
def test_signs_of_other_languages_alone_are_harmless(text: str) -> None:
    assert find_private(text) is None


def test_the_fast_look_finds_every_character_that_is_read_as_another() -> None:
    overlooked = [
        hex(number)
        for number in range(sys.maxunicode + 1)
        if read_as_shown(text := f"a{chr(number)}b") != text
        and not may_hold_private(text.encode(errors="surrogatepass"))
    ]
    assert overlooked == []
