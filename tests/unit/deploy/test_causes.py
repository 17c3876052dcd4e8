import asyncio

import pytest

from deploy.causes import causes, first_cause


async def fail(error: Exception) -> None:
    raise error


async def nested(error: Exception) -> None:
    async with asyncio.TaskGroup() as outer, asyncio.TaskGroup():
        outer.create_task(fail(error))
        await asyncio.Event().wait()


async def test_a_group_gives_way_to_what_it_began_with() -> None:
    with pytest.raises(LookupError, match="inner"), first_cause():
        await nested(LookupError("inner"))


def test_every_error_of_nested_groups_is_a_cause() -> None:
    one, two = KeyError(), OSError()
    assert causes(ExceptionGroup("a", [one, ExceptionGroup("b", [two])])) == [one, two]


def test_an_error_that_is_no_group_passes() -> None:
    with pytest.raises(KeyError), first_cause():
        raise KeyError
