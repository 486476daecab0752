import gc

import pytest

from rollback_drills.documents.collector import pause_collector


def fail_without_collector() -> None:
    with pause_collector():
        with pause_collector():
            assert not gc.isenabled()
        assert not gc.isenabled()
        raise LookupError


def test_the_collector_is_paused_and_runs_again_even_after_an_error() -> None:
    assert gc.isenabled()
    with pytest.raises(LookupError):
        fail_without_collector()
    assert gc.isenabled()


def test_a_collector_that_was_off_stays_off() -> None:
    gc.disable()
    try:
        with pause_collector():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
