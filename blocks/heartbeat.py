"""The heartbeat: a request to an external monitor, which alerts when no heartbeat arrives."""

import asyncio
from http import HTTPStatus
from typing import Final

from prefect.blocks.system import Secret

from blocks.addresses import address_problem, public_origin
from blocks.http.exchange import PreparedRequest, exchange
from blocks.secret_fields import open_secret
from rollback_drills.errors import DrillsError
from rollback_drills.notifications.outcome import Verdict

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
    except RuntimeError:  # how Prefect says that the data of a block does not fit
        raise HeartbeatError(f"the Secret block {secret_name} is empty; enter the address") from None
    address = open_secret(secret)
    if problem := address_problem(address, f"the Secret block {secret_name}"):
        raise HeartbeatError(problem)
    request = PreparedRequest("POST", address, public_origin(address), {})
    answer = asyncio.run(exchange(request, timeout_seconds=_TIMEOUT_SECONDS))
    if isinstance(answer, Verdict):
        raise HeartbeatError(f"the heartbeat was not accepted: {answer.detail}")
    if not HTTPStatus.OK <= answer.status_code < HTTPStatus.MULTIPLE_CHOICES:
        raise HeartbeatError(f"the heartbeat was not accepted: answered {answer.status_code}")
