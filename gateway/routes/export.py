"""`GET /api/v1/me/export`: everything that is kept of the caller."""

from typing import Final

from gateway.audit import record, user_target
from gateway.export import Export
from gateway.identity.account import get_own_account
from gateway.ports import Surroundings
from gateway.route import Call, Reply, Route


async def export_me(house: Surroundings, call: Call) -> Reply:
    """Return the document, written while it is sent."""
    account = await get_own_account(house, call)
    seat = house.seats.take()
    await record(house, call, "account.exported", target=user_target(account.id))
    return Reply(stream=Export(house, call.caller, account).parts(seat))


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/me/export",
        handler=export_me,
        summary="Everything that is kept of you as JSON, whole when it ends with `complete`",
        group="Identity",
        needs="account.export",
        limit="expensive",
        headers={"Content-Disposition": 'attachment; filename="truthtok-export.json"'},
        problems=("overloaded",),
    ),
)
