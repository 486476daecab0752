"""What a release pins: the versions that were tested, each with its hashes, for every extra of users."""

import re
import tomllib
from collections.abc import Iterator
from typing import Final

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.checkout import ROOT

PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
LOCK: Final = (ROOT / "requirements.lock").read_text()
PINS: Final = {
    canonicalize_name(name): version
    for name, version in re.findall(
        r"^([\w.-]+)==([\w.+]+)$", (ROOT / "constraints.txt").read_text(), re.MULTILINE
    )
}


def locked() -> Iterator[tuple[Requirement, list[str]]]:
    """Yield each requirement of the lock with its hashes."""
    for block in re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", LOCK, flags=re.MULTILINE).strip()):
        first, *rest = block.split(" \\\n    --hash=")
        yield Requirement(first), rest


@pytest.mark.skipif(not PINS, reason="the newest versions are tried")
def test_the_lock_has_the_versions_that_were_tested_and_their_hashes() -> None:
    for requirement, hashes in locked():
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        tested = PINS.get(canonicalize_name(requirement.name))
        assert tested == pin.version or (tested is None and requirement.marker), requirement
        assert hashes, requirement
        assert all(re.fullmatch("sha256:[0-9a-f]{64}", each) for each in hashes), requirement


def test_the_lock_has_what_every_extra_of_users_needs_in_a_version_that_it_allows() -> None:
    versions = {canonicalize_name(each.name): next(iter(each.specifier)).version for each, _ in locked()}
    extras = PROJECT["optional-dependencies"]
    (of_users,) = map(Requirement, extras["all"])
    wanted = [*PROJECT["dependencies"], *(line for extra in of_users.extras for line in extras[extra])]
    for requirement in map(Requirement, wanted):
        if requirement.name != PROJECT["name"]:
            assert versions[canonicalize_name(requirement.name)] in requirement.specifier, requirement


def test_neither_file_names_an_index_or_a_place() -> None:
    for text in (LOCK, (ROOT / "constraints.txt").read_text()):
        assert not re.search(r"://|index-url|find-links| @ ", text)
