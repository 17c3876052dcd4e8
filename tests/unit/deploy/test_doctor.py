"""What the doctor says of a data directory."""

from pathlib import Path

from deploy.doctor import data_directory


def wrong(data_dir: Path) -> list[str]:
    return [said for well, said in data_directory(data_dir) if not well and "GiB" not in said]


def test_keys_that_others_can_read_are_wrong(tmp_path: Path) -> None:
    keys = tmp_path / "keys.json"
    keys.write_text("{}")
    keys.chmod(0o640)
    assert wrong(tmp_path) == [f"{keys} can be read by others: chmod 600 {keys}"]
    keys.chmod(0o600)
    assert wrong(tmp_path) == []


def test_a_directory_without_keys_is_well(tmp_path: Path) -> None:
    assert wrong(tmp_path) == []
