"""Results of tools: what each says of a drill, what is left to the caller, and what is no result."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollback_drills.errors import UsageError
from rollback_drills.recording.drill_entry import NOTHING, build_drill, read_fields
from rollback_drills.recording.results.formats import READERS, ResultFormat, read_result
from tests.samples.builders import NOW
from tests.samples.examples import examples
from tests.samples.vendor_results import RESULTS

START = "2026-12-01T09:00:00+00:00"
GITHUB, GITLAB, VELERO, FIS, ASR = ResultFormat


def change(wanted: ResultFormat, path: str, value: Any) -> dict[str, Any]:
    """Return a sample with another value at a path; None leaves it out."""
    document: dict[str, Any] = json.loads(json.dumps(RESULTS[wanted]))
    *folders, name = path.split(".")
    inner = document
    for each in folders:
        inner = inner[each]
    if value is None:
        del inner[name]
    else:
        inner[name] = value
    return document


def read(document: object, wanted: ResultFormat, **given: object) -> dict[str, object]:
    return read_result(json.dumps(document).encode(), wanted, "result.json", given)


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        (
            GITHUB,
            {
                "drill_id": "github-run-30433642-2",
                "executed_at": START,
                "evidence_refs": ["github-workflow-run://30433642/2"],
                "actor": "octo-again",
            },
        ),
        (
            GITLAB,
            {
                "drill_id": "gitlab-pipeline-287",
                "executed_at": "2026-12-01T09:00:05.123000+00:00",
                "evidence_refs": ["gitlab-pipeline://21/287"],
                "actor": "root",
            },
        ),
        (
            VELERO,
            {
                "drill_id": "velero-restore-velero-payments-20261201",
                "executed_at": START,
                "evidence_refs": ["velero-restore://velero/payments-20261201"],
                "recovery_minutes": 7.5,
            },
        ),
        (
            FIS,
            {
                "drill_id": "aws-fis-EXP8kZxQ2vYb4TnW6c",
                "executed_at": START,
                "evidence_refs": ["aws-fis-experiment://EXP8kZxQ2vYb4TnW6c"],
            },
        ),
        (
            ASR,
            {
                "drill_id": "azure-asr-58776d0b-3141-48b2-a377-9ad863eb160d",
                "executed_at": "2026-12-01T09:00:00.123457+00:00",
                "evidence_refs": ["azure-asr-job://58776d0b-3141-48b2-a377-9ad863eb160d"],
                "recovery_minutes": 9.0,
            },
        ),
    ],
    ids=lambda value: str(value) if isinstance(value, ResultFormat) else "",
)
def test_a_documented_result_becomes_a_drill(wanted: ResultFormat, fields: Mapping[str, object]) -> None:
    found = read(RESULTS[wanted], wanted)

    assert found == {**fields, "status": "pass"}
    drill = build_drill(NOTHING, read_fields(found), schedule_id="payments", runbook_ref="r", now=NOW)
    assert drill.drill_id == fields["drill_id"]


@pytest.mark.parametrize(
    ("wanted", "path", "words"),
    [
        (GITHUB, "conclusion", {"failure": "fail", "timed_out": "fail", "startup_failure": "fail"}),
        (GITHUB, "conclusion", dict.fromkeys(("cancelled", "skipped", "neutral", "stale"), "")),
        (GITHUB, "status", dict.fromkeys(("queued", "in_progress"), "")),
        (GITLAB, "status", {"failed": "fail", "canceled": "", "running": "", "skipped": "", "manual": ""}),
        (VELERO, "status.phase", {"PartiallyFailed": "fail", "Failed": "fail", "FailedValidation": "fail"}),
        (VELERO, "status.phase", dict.fromkeys(("New", "InProgress", "Finalizing"), "")),
        (
            FIS,
            "experiment.state.status",
            {"failed": "fail", "stopped": "fail", "running": "", "cancelled": ""},
        ),
        (ASR, "properties.state", {"Failed": "fail", "InProgress": "", "Cancelled": "", "Suspended": ""}),
    ],
)
def test_each_word_of_a_tool_is_an_outcome_or_none(
    wanted: ResultFormat, path: str, words: Mapping[str, str]
) -> None:
    for word, outcome in words.items():
        document = change(wanted, path, word)
        if outcome:
            assert read(document, wanted)["status"] == outcome
            continue
        with pytest.raises(UsageError) as refused:
            read(document, wanted)
        assert str(refused.value) == (
            f'result.json: $.{path} is "{word}", which is no outcome of a drill; record it when it has ended,'
            " or say it with status"
        )
        assert read(document, wanted, status="fail")["status"] == "fail"


def test_what_the_caller_says_wins() -> None:
    said = {"status": "fail", "actor": "me", "recovery_minutes": 3.0, "executed_at": "2026-12-02T00:00:00Z"}

    found = read(RESULTS[VELERO], VELERO, **said, drill_id="", evidence_refs=None)

    assert found == {**read(RESULTS[VELERO], VELERO), **said}


def test_a_job_that_is_no_failover_tells_no_recovery_time() -> None:
    document = change(ASR, "properties.scenarioName", "Reprotect")

    assert "recovery_minutes" not in read(document, ASR)


@pytest.mark.parametrize(
    ("wanted", "path", "value", "problem"),
    [
        (GITHUB, "run_started_at", None, "$.run_started_at is missing; is it a github-workflow-run?"),
        (GITHUB, "id", "x", '$.id is "x"; must be a whole number; is it a github-workflow-run?'),
        (GITHUB, "run_started_at", "noon", '$.run_started_at is "noon"; must be a time'),
        (GITLAB, "project_id", None, "$.project_id is missing; is it a gitlab-pipeline?"),
        (VELERO, "kind", "Backup", '$.kind is "Backup"; must be one of Restore; is it a velero-restore?'),
        (VELERO, "status.phase", None, "$.status.phase is missing"),
        (VELERO, "status.startTimestamp", None, "it does not say when it began; say it with executed_at"),
        (FIS, "experiment", None, "$.experiment is missing; is it a aws-fis-experiment?"),
        (FIS, "experiment.startTime", 1e300, "$.experiment.startTime is 1e+300; must be a time"),
        (ASR, "properties.state", None, "$.properties.state is missing"),
    ],
)
def test_a_file_of_another_format_is_one_line_that_names_the_field(
    wanted: ResultFormat, path: str, value: object, problem: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read(change(wanted, path, value), wanted)

    assert str(refused.value).startswith(f"result.json: {problem}")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("begin", [b"\xef\xbb\xbf", b"\n ", b"\xef\xbb\xbf\r\n"])
def test_a_file_as_windows_writes_it_is_read(begin: bytes) -> None:
    data = begin + json.dumps(RESULTS[GITHUB], indent=1).replace("\n", "\r\n").encode() + b"\r\n"

    assert read_result(data, GITHUB, "result.json", {}) == read(RESULTS[GITHUB], GITHUB)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "is empty; a JSON object is needed"),
        (json.dumps(RESULTS[GITHUB]).encode("utf-16"), "is not UTF-8 text (byte 0); save it as UTF-8"),
        (b'{"id": 1,}', "is not JSON: a comma before the closing bracket (remove it), line 1 column 9"),
        (b"<html></html>", "is not JSON: it is HTML or XML (is it the right file?), line 1 column 1"),
        (b"[]", "$ is []; must be a JSON object"),
        (b"[" * 200_000, "is nested too deeply to be a document of this kind"),
        (b'{"id": ' + b"9" * 5000 + b"}", "holds a number with thousands of digits; shorten it"),
        (
            b'{"conclusion": "failure", "conclusion": "success"}',
            "$.conclusion is there twice, at line 1 column 2 and line 1 column 27; remove one of them",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_explained_as_documents_are(data: bytes, problem: str) -> None:
    with pytest.raises(UsageError) as refused:
        read_result(data, GITHUB, "result.json", {})

    assert str(refused.value) == f"result.json: {problem}; is it a github-workflow-run?"


def test_no_format_takes_the_results_of_another_one() -> None:
    for wanted in READERS:
        for other, document in RESULTS.items():
            if other is not wanted:
                with pytest.raises(UsageError, match=f"is it a {wanted}"):
                    read(document, wanted)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=examples(500), deadline=None)
@given(st.sampled_from(ResultFormat), st.data())
def test_whatever_a_file_holds_it_is_a_drill_or_one_line(wanted: ResultFormat, data: st.DataObject) -> None:
    """Put random values at random places of a sample, or read random bytes."""
    if data.draw(st.booleans()):
        document = json.loads(json.dumps(RESULTS[wanted]))
        inner = document
        while isinstance(inner, dict) and inner:
            name = data.draw(st.sampled_from(sorted(inner)))
            if not isinstance(inner[name], dict) or data.draw(st.booleans()):
                inner[name] = data.draw(JSON)
                break
            inner = inner[name]
        content = json.dumps(document).encode()
    else:
        content = data.draw(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()))
    try:
        fields = read_result(content, wanted, "result.json", {})
        build_drill(NOTHING, read_fields(fields), schedule_id="payments", runbook_ref="r", now=NOW)
    except UsageError as error:
        message = str(error)
    else:
        message = ""
    assert "\n" not in message
