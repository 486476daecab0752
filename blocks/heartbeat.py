"""The heartbeat: a request to a watch outside, which raises the alarm when it does not come."""

from typing import Final

import httpx
from prefect.blocks.system import Secret

from blocks.addresses import address_problem
from blocks.secret_fields import open_secret
from rollback_drills.errors import DrillsError

_TIMEOUT_SECONDS: Final = 10.0


class HeartbeatError(DrillsError):
    """The heartbeat could not be sent; the message never repeats its address, which is a secret."""


def send_heartbeat(secret_name: str) -> None:
    """Send one heartbeat: an empty POST, which healthchecks and its like take.

    Args:
        secret_name: The Secret block that holds the address.

    Raises:
        HeartbeatError: There is no such block, its address is unusable, or the watch did not take it.
    """
    try:
        secret: Secret[str] = Secret.load(secret_name, _sync=True)  # type: ignore[call-arg,assignment]  # Prefect's decorator adds it
    except ValueError:
        raise HeartbeatError(f"there is no Secret block {secret_name} for the heartbeat") from None
    address = open_secret(secret)
    if problem := address_problem(address, f"the Secret block {secret_name}"):
        raise HeartbeatError(problem)
    try:
        response = httpx.post(address, timeout=_TIMEOUT_SECONDS, follow_redirects=False)
    except httpx.HTTPError as error:
        raise HeartbeatError(f"the heartbeat was not taken: {type(error).__name__}") from None
    if not response.is_success:
        raise HeartbeatError(f"the heartbeat was not taken: answered {response.status_code}")
