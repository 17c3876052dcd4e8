import json
import re
from base64 import b64encode
from hashlib import sha256

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.openapi import openapi_document, render_openapi
from gateway.routes.table import ROUTES


def test_the_document_is_valid_openapi_3_1():
    document = json.loads(render_openapi())
    assert document["openapi"].startswith("3.1")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_in_the_document_with_its_problems():
    document = openapi_document(ROUTES)
    for route in ROUTES:
        operation = document["paths"][route.path][route.method.lower()]
        assert str(route.status) in operation["responses"]
        assert "500" in operation["responses"]
        assert ("requestBody" in operation) == (route.body is not None)
    names = [one["operationId"] for methods in document["paths"].values() for one in methods.values()]
    assert len(names) == len(set(names)) == len(ROUTES)


def test_every_reference_of_the_document_leads_somewhere():
    text = render_openapi()
    schemas = json.loads(text)["components"]["schemas"]
    assert set(re.findall(r'"#/components/schemas/([^"]+)"', text)) <= set(schemas)


def test_unknown_fields_are_forbidden_by_the_schemas_of_bodies():
    schemas = json.loads(render_openapi())["components"]["schemas"]
    assert schemas["VideoIntent"]["additionalProperties"] is False


async def test_the_document_is_served_with_a_tag(house):
    told = await house.ask("GET", "/api/openapi.json")
    assert told.json["servers"] == [{"url": "http://api.test"}]
    again = await house.ask("GET", "/api/openapi.json", headers={"If-None-Match": told.headers["ETag"]})
    assert again.status == 304


@pytest.mark.parametrize("tag", ["script", "style"])
async def test_the_page_runs_its_own_script_and_style_and_nothing_else(house, tag):
    told = await house.ask("GET", "/api/docs")
    page, policy = told.body.decode(), told.headers["Content-Security-Policy"]
    (inside,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
    digest = b64encode(sha256(inside.encode()).digest()).decode()
    assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


async def test_the_page_needs_no_internet(house):
    page = (await house.ask("GET", "/api/docs")).body.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert not re.findall(r"<(?:link|img|iframe)|\bsrc=|\son\w+=|\sstyle=", page)
