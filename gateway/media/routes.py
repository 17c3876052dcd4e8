"""The media plane's paths and what stands behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from gateway.config import GatewayConfig
from gateway.media import key_delivery, tus
from gateway.media.admission import Admission
from gateway.media.concatenation import Concatenation
from gateway.media.creation import Creation
from gateway.media.delivery import Delivery
from gateway.media.heads import Heads
from gateway.media.intake import Intake
from gateway.media.key_delivery import KeyDelivery
from gateway.media.router import Route
from gateway.media.uploads import UploadHandlers
from gateway.ports import Identification, Limits, utc_now
from storage.ports import Cache, Objects, Uploads, Videos
from storage.segment_keys import SegmentKeys


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaPorts:
    """What the media plane asks of the rest of the house."""

    videos: Videos
    uploads: Uploads
    objects: Objects
    cache: Cache
    identification: Identification
    limits: Limits
    segment_keys: SegmentKeys
    kick: Callable[[], None]
    """Called when a message was promised: `Relay.kick`."""
    now: Callable[[], datetime] = utc_now


def upload_routes(config: GatewayConfig, ports: MediaPorts) -> tuple[Route, ...]:
    """Return the routes of tus."""
    intake = Intake(
        config=config, uploads=ports.uploads, objects=ports.objects, kick=ports.kick, now=ports.now
    )
    handlers = UploadHandlers(intake)
    joining = Concatenation(
        config=config, videos=ports.videos, uploads=ports.uploads, kick=ports.kick, now=ports.now
    )
    creation = Creation(
        config=config,
        admission=Admission(config=config, identification=ports.identification, limits=ports.limits),
        videos=ports.videos,
        uploads=ports.uploads,
        handlers=handlers,
        concatenation=joining,
        now=ports.now,
    )
    one = {"HEAD": handlers.stand, "PATCH": handlers.patch, "DELETE": handlers.give_up}
    options = tus.capabilities(config.max_upload_bytes)
    return (
        Route("/uploads", {"POST": creation.create}, tus.ALWAYS, options),
        Route("/uploads/{token}", one, tus.ALWAYS, options),
    )


def delivery_routes(config: GatewayConfig, ports: MediaPorts) -> tuple[Route, ...]:
    """Return the routes of signed media URLs."""
    heads = Heads(ports.objects, ports.cache)
    delivery = Delivery(config=config, objects=ports.objects, heads=heads, now=ports.now)
    keys = KeyDelivery(config=config, keys=ports.segment_keys, heads=heads, now=ports.now)
    # First the one that fits less: a key is never looked for among the objects.
    return (
        Route(key_delivery.PATTERN, {"GET": keys.get}),
        Route("/media/{video_id}/{name*}", {"GET": delivery.get}),
    )
