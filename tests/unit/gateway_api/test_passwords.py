import asyncio
import threading

import pytest
from nacl.pwhash import argon2id
from prometheus_client import REGISTRY

from gateway.identity.passwords import AT_ONCE, Passwords, prepared
from gateway.problems import ProblemError

KIB = 1024


@pytest.fixture
def passwords():
    return Passwords(64 * KIB, 1)


async def test_a_password_opens_its_own_hash_and_no_other(passwords):
    kept = await passwords.hash("correct horse")
    assert kept.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords.matches("correct horse", kept)
    assert not await passwords.matches("correct horsf", kept)
    assert not await passwords.matches("", kept)


async def test_the_same_password_never_has_the_same_hash(passwords):
    assert await passwords.hash("correct horse") != await passwords.hash("correct horse")


async def test_without_a_hash_nothing_matches_and_the_work_is_the_same(passwords):
    before = checks()
    assert not await passwords.matches("correct horse", None)
    assert checks() == before + 1
    costs = passwords._nobodys().rpartition("$")[0].rpartition("$")[0]
    assert costs == (await passwords.hash("x")).rpartition("$")[0].rpartition("$")[0]


def checks():
    return REGISTRY.get_sample_value("truthtok_api_password_hashes_total", {"purpose": "check"}) or 0.0


async def test_every_way_to_type_a_letter_is_the_same_password(passwords):
    composed, decomposed = "caf\u00e9 au lait", "cafe\u0301 au lait"
    assert await passwords.matches(decomposed, await passwords.hash(composed))
    assert prepared(composed) == prepared(decomposed)


@pytest.mark.parametrize("password", ["\x01\x02\x03\x04\x05\x06\x07\x08", "🌧" * 256, " " * 8])
async def test_any_characters_make_a_password(passwords, password):
    assert await passwords.matches(password, await passwords.hash(password))


@pytest.mark.parametrize(
    ("memory", "passes", "outgrown"), [(64, 1, False), (128, 1, True), (64, 2, True), (32, 1, False)]
)
async def test_a_hash_is_outgrown_when_it_cost_less_than_today(passwords, memory, passes, outgrown):
    assert Passwords(memory * KIB, passes).is_outgrown(await passwords.hash("x")) is outgrown


async def test_the_hash_of_an_older_cost_still_opens(passwords):
    kept = await passwords.hash("correct horse")
    assert await Passwords(128 * KIB, 2).matches("correct horse", kept)


@pytest.mark.parametrize(
    "kept", ["$argon2i$v=19$m=8,t=3,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAA", "$argon2id$", "plain"]
)
async def test_a_hash_of_another_kind_is_outgrown_and_opens_nothing(passwords, kept):
    assert passwords.is_outgrown(kept)
    assert not await passwords.matches("plain", kept)


async def test_no_more_than_two_are_hashed_at_once_and_who_waits_too_long_is_sent_away():
    passwords = Passwords(64 * KIB, 1, wait_seconds=0.05)
    opened = threading.Event()
    running: list[int] = []

    def work():
        running.append(1)
        opened.wait(10)
        return "done"

    held = [asyncio.create_task(passwords._run(work)) for _ in range(AT_ONCE)]
    while len(running) < AT_ONCE:
        await asyncio.sleep(0)
    with pytest.raises(ProblemError) as caught:
        await passwords.hash("correct horse")
    assert (caught.value.status, caught.value.code) == (503, "overloaded")
    assert caught.value.headers["Retry-After"]
    opened.set()
    assert await asyncio.gather(*held) == ["done"] * AT_ONCE
    assert await passwords.hash("correct horse")


async def test_a_request_that_is_given_up_leaves_its_slot(passwords):
    opened = threading.Event()
    task = asyncio.create_task(passwords._run(lambda: opened.wait(10)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    opened.set()
    for _ in range(AT_ONCE + 1):
        assert await passwords.matches("x", await passwords.hash("x"))


async def test_our_hashes_are_those_of_libsodium(passwords):
    assert argon2id.verify((await passwords.hash("correct horse")).encode(), b"correct horse")
