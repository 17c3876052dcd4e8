"""The keys of a data directory: completed and rotated, never lost."""

import json
from pathlib import Path

import pytest

from deploy.data_dir import locked
from deploy.keyring import KEY_LISTS, new_key, new_seed, remembered_keyring, rotate_keys
from deploy.stack_errors import DataDirBusyError, DataDirUnusableError

USERS = ("gateway", "prober")


def kept(data_dir: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((data_dir / "keys.json").read_text())
    return found


def test_keys_are_made_once_and_are_their_owners_only(tmp_path: Path) -> None:
    first = remembered_keyring(tmp_path, USERS)
    assert remembered_keyring(tmp_path, USERS) == first
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600
    lists = [getattr(first, name) for name in KEY_LISTS]
    assert [len(bytes.fromhex(one)) for one in lists] == [32, 32, 32]
    assert len({*lists}) == 3


def test_the_keys_of_an_older_version_are_completed_and_none_is_lost(tmp_path: Path) -> None:
    old = {"signing_key": new_key(), "seeds": {"gateway": new_seed(), "retired": new_seed()}}
    (tmp_path / "keys.json").write_text(json.dumps({**old, "of_a_newer_version": "kept"}))
    keyring = remembered_keyring(tmp_path, USERS)
    assert keyring.signing_key == old["signing_key"]
    assert keyring.seeds["gateway"] == old["seeds"]["gateway"]
    assert set(keyring.seeds) == set(USERS)
    found = kept(tmp_path)
    assert found["of_a_newer_version"] == "kept"
    assert found["seeds"]["retired"] == old["seeds"]["retired"]
    assert found["master_keys"] == keyring.master_keys


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    remembered_keyring(tmp_path, USERS)
    (tmp_path / "keys.json").chmod(0o644)
    remembered_keyring(tmp_path, USERS)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "{", "[]", "\udcff"])
def test_a_broken_file_is_refused_and_not_begun_anew(text: str, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataDirUnusableError, match="restore it from a copy"):
        remembered_keyring(tmp_path, USERS)
    assert file.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_rotation_puts_new_keys_in_front_and_keeps_the_old_behind(tmp_path: Path) -> None:
    before = remembered_keyring(tmp_path, USERS)
    rotate_keys(tmp_path)
    rotate_keys(tmp_path)
    after = remembered_keyring(tmp_path, USERS)
    for name in KEY_LISTS:
        newest, middle, oldest = getattr(after, name).split(",")
        assert oldest == getattr(before, name)
        assert len({newest, middle, oldest}) == 3
    assert (after.seeds, after.local_api_key) == (before.seeds, before.local_api_key)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_the_keys_of_an_older_version_rotate(tmp_path: Path) -> None:
    old = new_key()
    (tmp_path / "keys.json").write_text(json.dumps({"signing_key": old, "seeds": {}}))
    rotate_keys(tmp_path)
    keyring = remembered_keyring(tmp_path, USERS)
    assert keyring.signing_key.split(",")[1:] == [old]
    assert len(keyring.master_keys.split(",")) == 1


def test_nothing_rotates_below_a_running_stack(tmp_path: Path) -> None:
    before = remembered_keyring(tmp_path, USERS)
    with locked(tmp_path), pytest.raises(DataDirBusyError):
        rotate_keys(tmp_path)
    assert remembered_keyring(tmp_path, USERS) == before


def test_a_directory_without_keys_has_none_to_rotate(tmp_path: Path) -> None:
    with pytest.raises(DataDirUnusableError, match="has no keys yet"):
        rotate_keys(tmp_path / "nowhere")
    assert not (tmp_path / "nowhere").exists()
