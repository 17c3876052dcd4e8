"""Whether a caller may go on: 401 for nobody known or not any more, 403 without the permission."""

from collections.abc import Mapping

from gateway.caller import Caller
from gateway.policy import Permission
from gateway.ports import Identification
from gateway.problems import ProblemError, unauthenticated


def require(caller: Caller, needs: Permission | None) -> None:
    """Raise ProblemError unless the caller has the permission; None needs none."""
    if needs is None or caller.may(needs):
        return
    if not caller.is_known:
        raise unauthenticated(
            "Sign in and send `Authorization: Bearer …` with the access token, or an API key."
        )
    what = "this API key's scopes do" if caller.key_id is not None else f"the role {caller.role} does"
    raise ProblemError("forbidden", f"This takes the permission {needs}, which {what} not give.")


async def identify_again(
    identification: Identification, headers: Mapping[str, str], caller: Caller, request_id: str
) -> Caller:
    """Return whom the headers of a caller's request name by now. Raises ProblemError 401."""
    stranger = Caller(address=caller.address, is_near=caller.is_near)
    return await identification.identify(headers, stranger, request_id)


async def require_still(
    identification: Identification, headers: Mapping[str, str], caller: Caller, request_id: str
) -> None:
    """Look anew at whom storage refused. Raises ProblemError 401 when the account is closed by now."""
    identification.forget(caller.user_id)
    await identify_again(identification, headers, caller, request_id)
