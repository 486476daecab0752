"""The jobs that the pages have for GitHub and GitLab fit the published schemas, and their commands work."""

import re
import shlex
from pathlib import Path
from typing import Any, Final

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from rollback_drills_cli.main import app
from tests.checkout import ROOT
from tests.reading.documentation import TEXTS, code_blocks

PAGES: Final = ("docs/how-to/gate-a-release.md", "docs/how-to/test-your-schedules.md")
TESTS: Final = TEXTS["docs/how-to/test-your-schedules.md"]


def section(page: str, title: str) -> dict[str, Any]:
    """Return the job below a heading of a page."""
    (block,) = code_blocks(TEXTS[page].partition(f"## {title}\n")[2].partition("\n## ")[0], "yaml")
    job: dict[str, Any] = yaml.safe_load(block)
    return job


def schema_of(name: str) -> dict[str, Any]:
    """Return a published schema; a checkout that was installed before it was needed has none."""
    schemas = pytest.importorskip("check_jsonschema.builtin_schemas", reason="run `make install` again")
    found: dict[str, Any] = schemas.get_builtin_schema(name)
    return found


@pytest.mark.parametrize("page", PAGES)
def test_the_job_for_github_fits_the_schema_of_workflows(page: str) -> None:
    schema = schema_of("vendor.github-workflows")
    workflow: dict[str, Any] = {"name": "release", "on": "push", "jobs": section(page, "GitHub Actions")}

    jsonschema.Draft7Validator(schema).validate(workflow)

    (job,) = workflow["jobs"].values()
    job["steps"][0]["rum"] = "a slip"
    assert not jsonschema.Draft7Validator(schema).is_valid(workflow)


@pytest.mark.parametrize("page", PAGES)
def test_the_job_for_gitlab_fits_the_schema_of_pipelines(page: str) -> None:
    schema = schema_of("vendor.gitlab-ci")
    pipeline = section(page, "GitLab")

    jsonschema.Draft7Validator(schema).validate(pipeline)

    next(iter(pipeline.values()))["scripts"] = ["a slip"]
    assert not jsonschema.Draft7Validator(schema).is_valid(pipeline)


def commands() -> list[str]:
    """Return the commands of the jobs that test schedules."""
    steps = section(PAGES[1], "GitHub Actions")["schedule-tests"]["steps"]
    lines = [each.get("run", "") for each in steps] + section(PAGES[1], "GitLab")["schedule-tests"]["script"]
    return [line.removeprefix("drills ") for line in lines if line.startswith("drills ")]


def test_the_commands_of_the_jobs_accept_the_examples(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    monkeypatch.chdir(tmp_path)
    found = commands()
    assert len(found) == 2
    for command in found:
        done = CliRunner().invoke(app, shlex.split(command))
        assert done.exit_code == 0, done.output
    assert "<testsuite" in (tmp_path / "schedule-tests.xml").read_text()


def test_a_difference_fits_on_one_screen_and_is_printed_as_the_page_shows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    part = TESTS.partition("## A difference")[2].partition("## GitHub")[0]
    (expectations,), (shown,) = code_blocks(part, "yaml"), code_blocks(part, "text")
    file = tmp_path / "expectations.yaml"
    file.write_text(expectations)
    command = ["test", str(file), "--schedule", "examples/fleet"]

    done = CliRunner().invoke(app, command)

    assert (done.exit_code, done.stdout) == (1, shown)
    assert len(shown.splitlines()) < 24
    annotated = CliRunner().invoke(app, [*command, "--format", "github"]).stdout
    assert re.search(
        r"^::error file=.*title=nobody is disturbed in the freeze::slack", annotated, re.MULTILINE
    )
