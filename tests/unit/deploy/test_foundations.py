import pytest

from deploy.foundations import Foundation, MissingError


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
