"""What makes a drill the same as one that the history has."""

import pytest

from rollback_drills.errors import UsageError
from rollback_drills.recording.same_drill import refuse_repeated
from tests.samples.builders import DRILL
from tests.unit.recording.test_drill_entry import built


@pytest.mark.parametrize("spelt", ["drill-1", "DRILL-1 "])
def test_a_drill_that_is_there_already_is_refused(spelt: str) -> None:
    drill = built(**DRILL)

    with pytest.raises(UsageError, match=rf'h: \$.drills\[1\] is "{spelt}" already'):
        refuse_repeated(drill, (built(status="pass"), built(drill_id=spelt, status="fail")), "h")
    with pytest.raises(UsageError, match=r'h: \$.drills\[0\] \("other"\) is the same drill'):
        refuse_repeated(drill, (built(**{**DRILL, "drill_id": "other"}),), "h")
    refuse_repeated(drill, (built(**{**DRILL, "drill_id": "other", "actor": "another"}),), "h")
