"""The OpenAPI document, and a page that shows it and sends requests; without internet."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final

from gateway.ports import Surroundings
from gateway.route import Call, Reply, Route


async def get_document(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Return the OpenAPI document."""
    return Reply(body=house.document)


async def get_docs(house: Surroundings, call: Call) -> Reply:  # noqa: ARG001 - a handler takes both
    """Return the page."""
    page = docs_page()
    return Reply(body=page, headers={"Content-Security-Policy": page_policy(page)})


@cache
def docs_page() -> bytes:
    """Return the page with its one script and one style inside."""
    return files("gateway").joinpath("docs_page.html").read_bytes()


@cache
def page_policy(page: bytes) -> str:
    """Return a policy that runs exactly the page's own script and style, and calls only its own origin."""
    script, style = (_digest(_between(page, tag)) for tag in (b"script", b"style"))
    return (
        f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _between(page: bytes, tag: bytes) -> bytes:
    return page.partition(b"<" + tag + b">")[2].partition(b"</" + tag + b">")[0]


def _digest(text: bytes) -> str:
    return b64encode(sha256(text).digest()).decode()


ROUTES: Final = (
    Route(
        method="GET",
        path="/api/openapi.json",
        handler=get_document,
        summary="This document",
        group="Health and documents",
        etag=True,
    ),
    Route(
        method="GET",
        path="/api/docs",
        handler=get_docs,
        summary="This document as a page that sends requests",
        group="Health and documents",
        content_type="text/html; charset=utf-8",
    ),
)
