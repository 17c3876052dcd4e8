"""Which object store the settings make, and which they refuse."""

from pathlib import Path
from typing import Any

import pytest

from deploy.object_store import open_objects
from deploy.settings import Settings, SettingsError
from storage.encrypted_objects import EncryptedObjects
from storage.errors import SealBrokenError
from storage.objects import StoredObjects

MASTER = "ab" * 32
BUCKET = {"objects": "s3://clips", "s3_access_key": "key", "s3_secret_key": "secret"}


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "TRUTHTOK_OBJECTS"),
        ({"objects": "relative"}, "absolute directory"),
        ({"objects": "s3://clips"}, "TRUTHTOK_S3_ACCESS_KEY"),
        ({"objects": "/here", "encryption": "new"}, "TRUTHTOK_MASTER_KEYS"),
        ({"objects": "/here", "encryption": "all", "master_keys": "short"}, "TRUTHTOK_MASTER_KEYS"),
        ({"objects": "/here", "s3_encryption": "AES256"}, "TRUTHTOK_ENCRYPTION"),
        ({**BUCKET, "encryption": "all"}, "TRUTHTOK_MASTER_KEYS"),
        ({**BUCKET, "s3_encryption": "sse-c"}, "AES256, aws:kms, aws:kms:dsse"),
        ({**BUCKET, "s3_encryption": "AES256", "s3_kms_key": "a-key"}, "TRUTHTOK_S3_KMS_KEY"),
        ({**BUCKET, "s3_kms_key": "a-key"}, "TRUTHTOK_S3_KMS_KEY"),
    ],
)
def test_a_store_that_cannot_be_is_refused_by_name(
    settings: dict[str, Any], said: str, tmp_path: Path
) -> None:
    if settings.get("objects") == "/here":
        settings = {**settings, "objects": str(tmp_path)}
    with pytest.raises(SettingsError, match=said):
        open_objects(Settings(**settings))


def test_without_encryption_the_store_is_plain(tmp_path: Path) -> None:
    assert isinstance(open_objects(Settings(objects=str(tmp_path), master_keys=MASTER)), StoredObjects)


@pytest.mark.parametrize("mode", ["new", "all"])
async def test_with_encryption_nothing_on_the_disk_is_readable(tmp_path: Path, mode: Any) -> None:
    given = {"objects": str(tmp_path), "master_keys": MASTER}
    objects = open_objects(Settings(**given, encryption=mode))
    assert isinstance(objects, EncryptedObjects)
    await objects.put("a", b"a secret that is long enough")
    assert b"secret" not in (tmp_path / "a").read_bytes()
    assert await objects.get("a") == b"a secret that is long enough"


async def test_only_mode_all_refuses_what_was_stored_before(tmp_path: Path) -> None:
    given = {"objects": str(tmp_path), "master_keys": MASTER}
    await open_objects(Settings(**given)).put("a", b"older")
    assert await open_objects(Settings(**given, encryption="new")).get("a") == b"older"
    with pytest.raises(SealBrokenError):
        await open_objects(Settings(**given, encryption="all")).get("a")
