"""Writes the gate as JUnit XML, which GitLab, Jenkins and others show as test results."""

from datetime import datetime
from typing import Final
from xml.etree import ElementTree as ET

from rollback_drills.gate.decision import name_check
from rollback_drills.gate.document import Gate, GateCheck
from rollback_drills.readiness.terms import Readiness
from rollback_drills.rendering.xml import legal

_SUITE: Final = "release-gate"


def write_junit(gate: Gate) -> bytes:
    """Write a test case for each check; one that is not asked for is skipped."""
    checks = gate.checks
    counts = {
        "tests": str(len(checks)),
        "failures": str(sum(each.status == "warn" for each in checks)),
        "errors": "0",
        "skipped": str(sum(each.state == Readiness.NOT_REQUESTED for each in checks)),
        "time": "0",
    }
    root = ET.Element("testsuites", {"name": "rollback-drills", **counts})
    # Jenkins' schema takes no offset
    timestamp = datetime.fromisoformat(gate.generated_at).strftime("%Y-%m-%dT%H:%M:%S")
    suite = ET.SubElement(root, "testsuite", {"name": _SUITE, **counts, "timestamp": timestamp})
    properties = ET.SubElement(suite, "properties")
    for name in ("mode", "status", "selected_backend", "message"):
        ET.SubElement(properties, "property", {"name": name, "value": legal(getattr(gate, name))})
    for each in checks:
        _add_case(suite, each)
    ET.indent(root)
    written: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _add_case(suite: ET.Element, check: GateCheck) -> None:
    name = f"{check.id} {check.schedule_id}".strip()
    attributes = {"classname": f"{_SUITE}.{check.id}", "name": legal(name), "time": "0"}
    if check.path:
        attributes["file"] = legal(check.path)
    case = ET.SubElement(suite, "testcase", attributes)
    message = legal(check.message)
    findings = legal("\n".join(f"{each.id}: {each.message}" for each in check.findings))
    if check.status == "warn":
        failure = ET.SubElement(case, "failure", {"type": check.failed_check, "message": message})
        failure.text = findings
    elif check.state == Readiness.NOT_REQUESTED:
        ET.SubElement(case, "skipped", {"message": message})
    elif check.state == Readiness.DUE_SOON or findings:
        ET.SubElement(case, "system-out").text = f"{legal(name_check(check))}: {message}\n{findings}".strip()
