"""A media plane over the twins."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.unit.gateway_media.house import House, running


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
async def client(house: House) -> AsyncIterator[httpx2.AsyncClient]:
    async with running(house) as client:
        yield client
