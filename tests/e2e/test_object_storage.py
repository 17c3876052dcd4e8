"""The same journey with the objects in an S3-compatible store instead of on the disk."""

from collections.abc import Iterator

import boto3
import httpx2
import pytest
from moto.server import ThreadedMotoServer

from tests.e2e.conftest import DEMO, Stack, ended, upload

KEYS = {"aws_access_key_id": "key", "aws_secret_access_key": "secret", "region_name": "us-east-1"}


@pytest.fixture
def bucket() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client("s3", endpoint_url=f"http://{host}:{port}", **KEYS).create_bucket(Bucket="clips")
    yield f"http://{host}:{port}"
    server.stop()


async def test_a_clip_goes_its_way_through_a_bucket(
    bucket: str, own_stack: Stack, http: httpx2.AsyncClient
) -> None:
    own_stack.environment = {
        "TRUTHTOK_OBJECTS": "s3://clips",
        "TRUTHTOK_S3_ENDPOINT": bucket,
        "TRUTHTOK_S3_ACCESS_KEY": KEYS["aws_access_key_id"],
        "TRUTHTOK_S3_SECRET_KEY": KEYS["aws_secret_access_key"],
    }
    own_stack.start()
    client = own_stack.client(http)
    video_id = await upload(client, DEMO)
    assert (await ended(client, video_id))["status"] == "ready"

    playback = await client.playback(video_id)
    sent_away = await http.get(playback["original"])
    assert sent_away.status_code == 307
    assert sent_away.headers["location"].startswith(bucket)
    fetched = await http.get(playback["original"], follow_redirects=True)
    assert fetched.content == DEMO.read_bytes()
    assert fetched.headers["content-type"] == "video/mp4"
    # A storyboard names its sheets relatively, so it is served by us and not by the store.
    assert "#xywh=" in (await http.get(playback["storyboard_vtt"])).text

    store = boto3.client("s3", endpoint_url=bucket, **KEYS)
    keys = [one["Key"] for one in store.list_objects_v2(Bucket="clips").get("Contents", [])]
    assert f"videos/{video_id}/original.mp4" in keys
    assert [key for key in keys if key.startswith("staging/")] == []
