"""Whether a caller may go on: 401 for nobody known, 403 for somebody without the permission."""

from gateway.caller import Caller
from gateway.policy import Permission
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
