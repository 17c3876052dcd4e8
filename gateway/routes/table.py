"""All routes of the API, in the order of the documents."""

from typing import Final

from gateway.routes import (
    admin,
    api_keys,
    audit,
    auth,
    documents,
    events,
    export,
    health,
    me,
    playback,
    retry,
    sessions,
    users,
    video_list,
    videos,
    well_known,
)

ROUTES: Final = (
    *auth.ROUTES,
    *me.ROUTES,
    *sessions.ROUTES,
    *export.ROUTES,
    *api_keys.ROUTES,
    *users.ROUTES,
    *well_known.ROUTES,
    *videos.ROUTES[:1],
    *video_list.ROUTES,
    *videos.ROUTES[1:],
    *events.ROUTES,
    *playback.ROUTES,
    *retry.ROUTES,
    *admin.ROUTES,
    *audit.ROUTES,
    *health.ROUTES,
    *documents.ROUTES,
)
