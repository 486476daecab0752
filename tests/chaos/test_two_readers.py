"""The two readers of documents against each other, over 100,000 timestamps and as many documents."""

from random import Random

import pytest

from tests.samples.two_readers import (
    assert_one_reading_of_a_document,
    assert_one_reading_of_a_timestamp,
    make_document,
    make_timestamp,
)

pytestmark = pytest.mark.chaos
EXAMPLES = 100_000


def test_both_readers_read_each_timestamp_as_the_same_instant() -> None:
    random = Random()
    for _ in range(EXAMPLES):
        assert_one_reading_of_a_timestamp(make_timestamp(random))


def test_both_readers_read_each_document_alike() -> None:
    random = Random()
    for _ in range(EXAMPLES):
        assert_one_reading_of_a_document(*make_document(random))
