"""The files that ship are printed as they are."""

import tomllib
from pathlib import Path

import pytest

from deployments.templates import TEMPLATES
from tests.checkout import ROOT
from tests.samples.commands import drills


def test_without_a_name_every_file_that_ships_is_listed(tmp_path: Path) -> None:
    done = drills("template", cwd=tmp_path)

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = project["tool"]["setuptools"]["package-data"][
        "deployments"
    ]  # deployments to machines are of the checkout
    shipped = {each.name for pattern in patterns for each in (ROOT / "deployments").glob(pattern)}
    assert {line.split()[0] for line in done.stdout.splitlines()} == shipped
    assert all(len(line.split()) > 2 for line in done.stdout.splitlines())


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_file_is_printed_as_it_ships(name: str, tmp_path: Path) -> None:
    assert drills("template", name, cwd=tmp_path).stdout == TEMPLATES[name].path.read_text()


def test_a_file_that_does_not_ship_is_one_line(tmp_path: Path) -> None:
    done = drills("template", "helm.yaml", cwd=tmp_path)

    assert done.returncode == 2
    assert done.stderr.startswith("drills: there is no template 'helm.yaml'; known are prefect.yaml, ")
