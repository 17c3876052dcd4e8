"""The key with which the operator's own account uploads, in a real database."""

import pytest

from deploy.provisioning import LOCAL_KEY_NAME, keep_local_key
from deploy.settings import Settings
from deploy.stack_errors import StackError
from gateway.identity.minting import API_KEY, hash_of, mint
from gateway.policy import permissions_of
from storage.postgres.api_keys import PostgresApiKeys
from storage.postgres.pool import open_database
from storage.records import LOCAL_USER_ID


async def test_the_key_is_made_once_and_gives_what_an_upload_takes(database_url: str) -> None:
    secret = mint(API_KEY).secret
    for _ in range(3):
        await keep_local_key(Settings(database_url=database_url), secret)
    async with open_database(database_url) as database:
        [key] = await PostgresApiKeys(database).page(LOCAL_USER_ID, None, 10)
        standing = await PostgresApiKeys(database).find_standing(hash_of(secret))
    assert (key.name, key.prefix) == (LOCAL_KEY_NAME, secret[:11])
    assert standing is not None
    assert standing.user_id == LOCAL_USER_ID
    allowed = permissions_of(standing.role, standing.scopes)
    assert allowed == {"videos.view_own", "videos.create", "videos.change_own"}


async def test_a_new_key_takes_the_place_of_a_lost_one(database_url: str) -> None:
    settings, lost, new = Settings(database_url=database_url), mint(API_KEY).secret, mint(API_KEY).secret
    await keep_local_key(settings, lost)
    await keep_local_key(settings, new)
    async with open_database(database_url) as database:
        keys = PostgresApiKeys(database)
        assert await keys.find_standing(hash_of(lost)) is None
        assert await keys.find_standing(hash_of(new)) is not None
    with pytest.raises(StackError, match=r"in keys\.json was revoked: remove local_api_key there"):
        await keep_local_key(settings, lost)
