"""All routes of the API, in the order of the documents."""

from typing import Final

from gateway.routes import admin, documents, events, health, playback, retry, video_list, videos

ROUTES: Final = (
    *videos.ROUTES[:1],
    *video_list.ROUTES,
    *videos.ROUTES[1:],
    *events.ROUTES,
    *playback.ROUTES,
    *retry.ROUTES,
    *admin.ROUTES,
    *health.ROUTES,
    *documents.ROUTES,
)
