"""Where objects lie and who encrypts them, by the settings."""

from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from deploy.settings import Settings, SettingsError
from storage.encrypted_objects import EncryptedObjects
from storage.objects import StoredObjects
from storage.ports import Objects

S3_ENCRYPTIONS: Final = ("AES256", "aws:kms", "aws:kms:dsse")
"""What S3 encrypts with when no request brings a key (PutObject, x-amz-server-side-encryption)."""


def open_objects(settings: Settings) -> Objects:
    """Return the object store of the settings, encrypted when they say so. Raises SettingsError."""
    settings.need("objects")
    store = _bucket(settings) if urlsplit(settings.objects).scheme == "s3" else _directory(settings)
    if settings.encryption == "off":
        return store
    return EncryptedObjects.over(store, settings.vault(), settings.encryption)


def _bucket(settings: Settings) -> StoredObjects:
    settings.need("s3_access_key", "s3_secret_key", *(["s3_endpoint"] if settings.s3_endpoint else []))
    if settings.s3_encryption not in ("", *S3_ENCRYPTIONS):
        raise SettingsError(f"TRUTHTOK_S3_ENCRYPTION must be {', '.join(S3_ENCRYPTIONS)}, or empty")
    if settings.s3_kms_key and not settings.s3_encryption.startswith("aws:kms"):
        raise SettingsError("TRUTHTOK_S3_KMS_KEY needs TRUTHTOK_S3_ENCRYPTION=aws:kms")
    return StoredObjects.s3(
        urlsplit(settings.objects).netloc,
        endpoint=settings.s3_endpoint or None,
        region=settings.s3_region,
        access_key_id=settings.s3_access_key,
        secret_access_key=settings.s3_secret_key,
        encryption=settings.s3_encryption,
        kms_key=settings.s3_kms_key,
    )


def _directory(settings: Settings) -> StoredObjects:
    where = urlsplit(settings.objects)
    if where.scheme not in ("", "file") or not Path(where.path).is_absolute():
        raise SettingsError("TRUTHTOK_OBJECTS must be an absolute directory or s3://bucket")
    if settings.s3_encryption or settings.s3_kms_key:
        raise SettingsError("TRUTHTOK_S3_ENCRYPTION is for a bucket; for a directory TRUTHTOK_ENCRYPTION is")
    return StoredObjects.local(Path(where.path))
