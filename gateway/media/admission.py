"""Who may make uploads here, and how often. Whoever holds the signed URL of one needs no more than that."""

from dataclasses import dataclass

from gateway.caller import Caller, address_of, network_of, stranger_of
from gateway.config import GatewayConfig
from gateway.media.exchange import Request
from gateway.permission import require, require_still
from gateway.ports import Identification, Limits
from gateway.problems import ProblemError


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """Lets callers in."""

    config: GatewayConfig
    identification: Identification
    limits: Limits

    async def admit(self, request: Request) -> Caller:
        """Return who asks, if they may and not too often. Raises ProblemError 401, 403 or 429."""
        stranger = stranger_of(request.headers, request.peer, behind_proxy=self.config.behind_proxy)
        try:
            caller = await self.identification.identify(request.headers, stranger, request.id)
        except ProblemError:  # guessing tokens is not free
            request.told.update(await self.limits.spend("read", stranger.holder))
            raise
        if caller.is_known:
            request.notes["user_id"] = str(caller.user_id)
        request.told.update(await self.limits.spend("upload", caller.holder))
        require(caller, "videos.create")
        return caller

    async def ask_again(self, request: Request, caller: Caller) -> None:
        """Look anew at whom storage refused. Raises ProblemError 401 when the account is closed by now."""
        await require_still(self.identification, request.headers, caller, request.id)


def client_network(config: GatewayConfig, request: Request) -> str:
    """Return what is taken for one party among the clients (`network_of`)."""
    return network_of(address_of(request.headers, request.peer, behind_proxy=config.behind_proxy))
