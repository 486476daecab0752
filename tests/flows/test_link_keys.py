"""The keys of links are one Secret block, whoever needs them first."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from prefect.blocks.system import Secret

from blocks.link_keys import BLOCK_NAME, LinkKeysError, load_link_keys, open_link_keys, replace_link_keys
from rollback_drills.errors import UsageError

pytestmark = pytest.mark.usefixtures("prefect_server")
ROUTE = "gordroute-0123456789abcdef"


@pytest.fixture(autouse=True)
def _no_keys() -> None:
    if load_link_keys() is not None:
        Secret.delete(BLOCK_NAME)


def test_deliveries_that_find_no_keys_at_the_same_time_sign_with_the_same() -> None:
    with ThreadPoolExecutor(4) as threads:
        opened = list(threads.map(lambda _: open_link_keys(), range(4)))

    assert set(opened) == {load_link_keys()}


def test_a_rotation_replaces_the_keys_of_all() -> None:
    now, before = datetime.now(UTC), open_link_keys()
    permission = before.sign(ROUTE, now=now)

    replace_link_keys(before.rotate(is_old_valid=True))

    rotated = open_link_keys()
    assert rotated.read(permission, now=now) == ROUTE
    assert rotated.keys[1:] == before.keys
    with pytest.raises(UsageError):
        before.read(rotated.sign(ROUTE, now=now), now=now)


def test_a_damaged_block_is_named_with_its_remedy() -> None:
    Secret(value="nonsense").save(BLOCK_NAME, overwrite=True)

    with pytest.raises(LinkKeysError, match=f"{BLOCK_NAME} is not usable: it holds no keys; delete it"):
        open_link_keys()
