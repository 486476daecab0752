"""JUnit XML, which GitLab, Jenkins and others show as test results."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple
from xml.etree import ElementTree as ET

from rollback_drills.rendering.xml import legal

_NONE: Final[Mapping[str, str]] = MappingProxyType({})


class Case(NamedTuple):
    """One test. Its message stands where its result is; a test that passed without one has none."""

    name: str
    classname: str
    file: str = ""
    failure: str | None = None
    """The type of the failure, if it failed."""
    is_skipped: bool = False
    message: str = ""
    text: str = ""


def write_suite(
    suite_name: str,
    generated_at: str,
    cases: Iterable[Case],
    properties: Mapping[str, str] = _NONE,
    text: str = "",
) -> bytes:
    """Write a suite of tests.

    Args:
        suite_name: Of the suite.
        generated_at: An instant of ISO 8601; its offset is left out, which Jenkins' schema does not take.
        cases: The tests.
        properties: What is true of the whole suite.
        text: What is no result of a test, and somebody has to look at.
    """
    several = list(cases)
    counts = {
        "tests": str(len(several)),
        "failures": str(sum(each.failure is not None for each in several)),
        "errors": "0",
        "skipped": str(sum(each.is_skipped for each in several)),
        "time": "0",
    }
    root = ET.Element("testsuites", {"name": "rollback-drills", **counts})
    timestamp = datetime.fromisoformat(generated_at).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(root, "testsuite", {"name": suite_name, **counts, "timestamp": timestamp})
    if properties:
        element = ET.SubElement(suite, "properties")
        for name, value in properties.items():
            ET.SubElement(element, "property", {"name": name, "value": legal(value)})
    for each in several:
        _add_case(suite, each)
    if text:
        ET.SubElement(suite, "system-out").text = legal(text)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add_case(suite: ET.Element, each: Case) -> None:
    attributes = {"classname": legal(each.classname), "name": legal(each.name), "time": "0"}
    if each.file:
        attributes["file"] = legal(each.file)
    case = ET.SubElement(suite, "testcase", attributes)
    if each.failure is not None:
        attributes = {"type": each.failure, "message": legal(each.message)}
        ET.SubElement(case, "failure", attributes).text = legal(each.text)
    elif each.is_skipped:
        ET.SubElement(case, "skipped", {"message": legal(each.message)})
    elif each.text:
        ET.SubElement(case, "system-out").text = legal(each.text)
