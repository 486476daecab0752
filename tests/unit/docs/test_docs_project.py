"""The pages about the project itself agree with it: rooms, contract, glossary, workflows and hooks."""

import re
import tomllib
from typing import Any

import pytest
import yaml

from tests.checkout import ROOT
from tests.reading.documentation import FURTHER, SOURCES, TEXTS, anchors, rows

LAYERS: list[str] = next(
    each["layers"]
    for each in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    if each.get("exhaustive")
)
TARGETS = set(re.findall(r"^([a-z]+):", FURTHER["Makefile"], re.MULTILINE))
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
NOT_ROOMS = {"cli", "docs"}
"""Folders of unit tests that belong to no room of the rules."""
CITED = re.compile(r"contract \(?§(\d+(?:\.\d+)?)(?:(?: and| to|,) §(\d+(?:\.\d+)?))?")
TERMS = (
    "schedule drill cycle route readiness plan notification delivery acknowledgement escalation exception "
    "skip postpone waive evidence ledger gate"
).split()


def read_workflow(name: str) -> dict[Any, Any]:
    """Return a workflow of GitHub Actions. YAML 1.1 reads its key `on` as true."""
    loaded: dict[Any, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return loaded


def test_the_architecture_lists_every_room_in_the_order_of_the_layers() -> None:
    table = rows(TEXTS["docs/architecture.md"], "| room |")

    assert [cells[0].strip("`") for cells in table] == LAYERS


def test_unit_tests_are_in_the_rooms_that_they_test() -> None:
    rooms = {*LAYERS, *NOT_ROOMS}
    unit = ROOT / "tests" / "unit"

    assert {each.name for each in unit.iterdir() if each.is_dir() and each.name != "__pycache__"} <= rooms
    assert {each.stem.removeprefix("test_") for each in unit.glob("test_*.py")} <= rooms


def test_every_section_of_the_contract_that_the_source_cites_can_be_opened() -> None:
    contract = TEXTS["docs/reference/contract.md"]
    sections = set(re.findall(r"^##+ (\d+(?:\.\d+)?)[. ]", contract, re.MULTILINE))
    cited = {
        section
        for path, text in SOURCES.items()
        for found in CITED.finditer(" ".join(text.split()))
        for section in found.groups()
        if section
    }

    assert len(cited) > 12
    assert cited <= sections


@pytest.mark.parametrize("word", TERMS)
def test_the_glossary_defines_every_public_term(word: str) -> None:
    assert [cells[0] for cells in rows(TEXTS["docs/reference/glossary.md"], "| word |")].count(word) == 1


def test_every_page_for_the_community_is_there() -> None:
    assert {"SECURITY.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md"} <= set(TEXTS)
    assert "report-a-vulnerability" in anchors(TEXTS["SECURITY.md"])


@pytest.mark.parametrize("name", [each.name for each in WORKFLOWS])
def test_a_workflow_calls_only_make_targets_that_exist(name: str) -> None:
    steps = [step for job in read_workflow(name)["jobs"].values() for step in job["steps"]]
    called = [
        words
        for step in steps
        for line in step.get("run", "").splitlines()
        if (words := line.split())[:1] == ["make"]
    ]
    targets = {
        word for words in called for word in words[1:] if re.fullmatch(r"[a-z]+", word) and "/" not in word
    }

    assert targets <= TARGETS
    assert called


@pytest.mark.parametrize("name", [each.name for each in WORKFLOWS])
def test_a_workflow_may_only_read_and_pins_its_actions(name: str) -> None:
    workflow = read_workflow(name)
    used = [step["uses"] for job in workflow["jobs"].values() for step in job["steps"] if "uses" in step]

    assert workflow["permissions"] == {"contents": "read"}
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", each) for each in used)
    assert all("timeout-minutes" in job for job in workflow["jobs"].values())


def test_the_workflows_run_what_the_project_promises() -> None:
    assert [each.stem for each in WORKFLOWS] == ["release", "test", "weekly"]
    matrix = read_workflow("test.yml")["jobs"]["unit"]["strategy"]["matrix"]
    assert matrix["python"] == ["3.11", "3.12", "3.13", "3.14"]
    tried = {cells[0].rpartition(".")[0] for cells in rows(TEXTS["docs/reference/versions.md"], "| Python |")}
    assert tried == {*matrix["python"]}
    weekly = read_workflow("weekly.yml")["jobs"]
    (oldest,) = re.findall(r'"prefect>=([\d.]+),<4"', (ROOT / "pyproject.toml").read_text())
    assert {*weekly} == {"chaos", "later", "newest", "prefect"}
    assert weekly["prefect"]["strategy"]["matrix"]["prefect"] == [f"{oldest}.0", "3.*"]
    assert read_workflow("release.yml")[True] == {"push": {"tags": ["v*"]}}


def test_the_hooks_before_a_commit_call_the_linters_of_the_project() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]

    entries = [hook["entry"] for repo in hooks for hook in repo["hooks"]]
    assert all(re.match(r"\.venv/bin/ruff |make lint$", each) for each in entries)


@pytest.mark.parametrize(
    "path", sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml")), ids=lambda path: str(path.stem)
)
def test_a_template_of_an_issue_is_valid(path: Any) -> None:
    form = yaml.safe_load(path.read_text())

    assert path.stem == "config" or {"name", "description", "body"} <= set(form)
