"""What a bucket is asked to encrypt with, and what lies in it when we encrypt too."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer

from deploy.object_store import open_objects
from deploy.settings import Settings
from storage.objects import StoredObjects
from storage.ports import Objects

KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
LARGE = bytes(range(256)) * (10 << 12)
"""More than one part."""


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **KEYS).create_bucket(Bucket="clips")
    yield f"http://{host}:{port}"
    server.stop()


def opened(endpoint: str, **settings: Any) -> Objects:
    given = {"s3_access_key": "key", "s3_secret_key": "secret", "s3_endpoint": endpoint}
    return open_objects(Settings(objects="s3://clips", **given, **settings))


async def said_of(endpoint: str, key: str) -> dict[str, Any]:
    store = boto3.client("s3", endpoint_url=endpoint, **KEYS)
    return dict(await asyncio.to_thread(store.get_object, Bucket="clips", Key=key))


async def stream() -> AsyncIterator[bytes]:
    yield LARGE


@pytest.mark.parametrize("way", ["put", "put_stream"])
@pytest.mark.parametrize(
    ("encryption", "kms_key"), [("AES256", ""), ("aws:kms", ""), ("aws:kms", "a-key"), ("aws:kms:dsse", "")]
)
async def test_the_bucket_encrypts_with_what_was_set(
    endpoint: str, way: str, encryption: str, kms_key: str
) -> None:
    objects = opened(endpoint, s3_encryption=encryption, s3_kms_key=kms_key)
    await (objects.put("a", b"x") if way == "put" else objects.put_stream("a", stream()))
    said = await said_of(endpoint, "a")
    assert said["ServerSideEncryption"] == encryption
    assert kms_key in said.get("SSEKMSKeyId", "")


async def test_a_bucket_that_is_asked_for_nothing_does_what_it_does(endpoint: str) -> None:
    await opened(endpoint).put("b", b"x")
    assert (await said_of(endpoint, "b")).get("ServerSideEncryption", "AES256") == "AES256"


async def test_what_we_encrypt_is_no_secret_of_the_bucket(endpoint: str) -> None:
    objects = opened(endpoint, encryption="all", master_keys="ab" * 32, s3_encryption="AES256")
    assert await objects.put_stream("c", stream()) == len(LARGE)
    said = await said_of(endpoint, "c")
    stored = await asyncio.to_thread(said["Body"].read)
    assert LARGE[:256] not in stored
    assert (said["ServerSideEncryption"], len(stored) > len(LARGE)) == ("AES256", True)
    assert b"".join([chunk async for chunk in objects.stream("c", 3, len(LARGE))]) == LARGE[3:]
    assert isinstance(opened(endpoint), StoredObjects)
