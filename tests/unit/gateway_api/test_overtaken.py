"""A password that is changed, or hashed anew, between being verified and what it was verified for."""

import pytest

from gateway.identity.passwords import passwords_of
from storage.identity_records import AccountChanges

ADA = {"email": "ada@example.org", "password": "correct horse", "name": "Ada"}
SIGN_IN = {"email": ADA["email"], "password": ADA["password"]}
CHANGE = {"password": "battery staple", "current_password": ADA["password"]}


class Overtaken:
    """Accounts in which something happens right after the hash of a password was read, once."""

    def __init__(self, accounts, happens):
        self.accounts, self.happens = accounts, [happens]

    def __getattr__(self, name):
        return getattr(self.accounts, name)

    async def find_credentials(self, email):
        found = await self.accounts.find_credentials(email)
        await self._happen(found.account.id, found.password_hash)
        return found

    async def find_password(self, user_id):
        kept = await self.accounts.find_password(user_id)
        await self._happen(user_id, kept)
        return kept

    async def _happen(self, user_id, kept):
        if self.happens:
            await self.happens.pop()(self.accounts, user_id, kept)


@pytest.fixture
async def ada(house):
    """What somebody is told who registered."""
    return (await house.nobody.ask("POST", "/api/v1/auth/register", ADA)).json


@pytest.fixture
def overtake(house):
    """Lets a change of the password, or a new hash of the same one, come in between."""

    def into(what):
        passwords = passwords_of(house.config)

        async def changed(accounts, user_id, _):
            made = AccountChanges(password_hash=await passwords.hash("battery staple"))
            await accounts.edit(user_id, made)

        async def rehashed(accounts, user_id, kept):
            assert await accounts.replace_password(user_id, kept, await passwords.hash(ADA["password"]))

        house.accounts = Overtaken(house.storage.accounts, {"changed": changed, "rehashed": rehashed}[what])
        house.build()

    return into


async def sign_in(house):
    return await house.nobody.ask("POST", "/api/v1/auth/login", SIGN_IN)


async def test_a_sign_in_with_the_old_password_opens_nothing_once_there_is_another(house, ada, overtake):
    overtake("changed")
    told = await sign_in(house)
    assert (told.status, told.json["code"]) == (401, "invalid_credentials")
    mine = house.storage.sessions.state.sessions.values()
    assert [one.session.revoked_at is None for one in mine] == [False]
    assert ("session.refused", f"user:{ada['user']['id']}") in await house.trail()


async def test_a_new_hash_of_the_same_password_keeps_nobody_out(house, ada, overtake):
    overtake("rehashed")
    told = await sign_in(house)
    assert (told.status, told.json["user"]) == (200, ada["user"])
    assert not [bucket for bucket, _ in house.limits.spent if bucket.startswith("sign_in")]


@pytest.mark.parametrize("what", ["changed", "rehashed"])
@pytest.mark.parametrize("change", [CHANGE, {**CHANGE, "email": "eve@example.org"}])
async def test_of_two_changes_with_one_password_the_later_is_refused(house, ada, overtake, what, change):
    overtake(what)
    token = {"Authorization": f"Bearer {ada['access_token']}"}
    told = await house.nobody.ask("PATCH", "/api/v1/me", change, headers=token)
    assert (told.status, told.json["code"]) == (409, "conflict")
    assert await house.storage.accounts.find_credentials("eve@example.org") is None
