"""The checks of tests/e2e/year.py of which Prefect does not hear write what flow runs write."""

from pathlib import Path

import pytest

from rollback_drills.database.connections import Database
from rollback_drills.evidence.record_kinds import CHECK_KIND
from tests.e2e.year_fleet import YearOfDrills
from tests.e2e.year_runs import check
from tests.samples.populations import records, verify

pytestmark = pytest.mark.usefixtures("prefect_server", "receiver")


def test_checks_of_a_year_write_what_changed_and_that_they_looked(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    YearOfDrills(tmp_path / "fleet")
    monkeypatch.setenv("DRILLS_SCHEDULE", str(tmp_path / "fleet"))
    monkeypatch.setenv("DRILLS_MODE", "promoted")

    first, again, unchanged = check("nobody"), check("nobody"), check("")

    assert "without a flow run" in first
    assert [again, unchanged] == ["nothing new", "nothing can be new"]
    database = Database.at(url)
    assert [each["changed_count"] for each in records(database, CHECK_KIND)] == [100, 0, 0]
    assert verify(database).is_intact
