import pytest

from deploy.foundations import Confinement, Foundation, MissingError, UnconfinedError


async def test_what_is_missing_is_named_with_what_to_do_until_it_is_there_and_then_nobody_asks() -> None:
    missing, asked = ["0009_x.sql"], []

    async def find() -> list[str]:
        asked.append(1)
        return missing

    foundation = Foundation(find, "run `truthtok migrate`")
    for _ in range(2):
        with pytest.raises(MissingError, match=r"0009_x.sql missing: run `truthtok migrate`"):
            await foundation.check()
    missing.clear()
    for _ in range(3):
        await foundation.check()
    assert len(asked) == 3


async def test_who_is_not_held_to_the_policies_is_told_so_until_that_is_mended() -> None:
    said: list[str | None] = ["the database user root is a superuser", None]

    async def find() -> str | None:
        return said.pop(0)

    confinement = Confinement(find)
    with pytest.raises(UnconfinedError, match="root is a superuser"):
        await confinement.check()
    await confinement.check()
    await confinement.check()
    assert said == []
