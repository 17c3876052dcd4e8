"""Objects on a local disk or in an S3-compatible store, through obstore.

An object being written to a disk lies beside its place as `<name>#<n>` and is renamed once whole. A writer
that was killed leaves that file, and in S3 an unfinished multipart upload: the first goes with its prefix,
the second needs the bucket's lifecycle rule `AbortIncompleteMultipartUpload`.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from storage.content_types import content_type_of
from storage.errors import ObjectMissingError, StorageUnavailableError
from storage.file_reading import checked_end, mapped_disk, read_file
from storage.keys import checked_key
from storage.records import ObjectInfo

CHUNK_BYTES: Final = 1 << 20
PART_BYTES: Final = 8 << 20
"""With S3's 10 000 parts (https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html) 78 GiB."""
PARTS_IN_FLIGHT: Final = 4
PING_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class StoredObjects:
    """Immutable objects in one obstore store; `root` is where they lie when that is this machine."""

    store: Any
    root: Path | None = None

    @classmethod
    def local(cls, directory: Path) -> "StoredObjects":
        """Return a store below a directory, which is made when it is missing, for its owner only."""
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return cls(LocalStore(directory, mkdir=True, automatic_cleanup=True), directory.resolve())

    @classmethod
    def s3(
        cls,
        bucket: str,
        *,
        endpoint: str | None,
        access_key_id: str,
        secret_access_key: str,
        region: str,
        encryption: str = "",
        kms_key: str = "",
    ) -> "StoredObjects":
        """Return a store in a bucket. Without `endpoint` that is Amazon's.

        `encryption` is what the bucket is asked to encrypt with (`AES256`, `aws:kms`), under `kms_key` or
        its own; without, its default holds.
        """
        given = {"endpoint": endpoint, "server_side_encryption": encryption, "sse_kms_key_id": kms_key}
        options: dict[str, Any] = {name: value for name, value in given.items() if value}
        store = S3Store(
            bucket,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            region=region,
            # Hours for a whole request, as a viewer may read slowly; a dead server is noticed by its silence.
            client_options={
                "allow_http": (endpoint or "").startswith("http://"),
                "connect_timeout": "2s",
                "read_timeout": "20s",
                "timeout": "6h",
            },
            retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=10)},
            **options,
        )
        return cls(store)

    async def put(self, key: str, data: bytes) -> None:
        """Store a small object, in place of any earlier one."""
        with _mapped_failures():
            await obstore.put_async(
                self.store, checked_key(key), data, use_multipart=False, attributes=self._attributes(key)
            )

    async def put_stream(self, key: str, chunks: AsyncIterator[bytes]) -> int:
        """Store a stream of any length and return its bytes."""
        counted = _Counted(chunks)
        await self._put_parts(key, counted)
        return counted.count_bytes

    async def put_file(self, key: str, path: Path) -> int:
        """Store a local file and return its bytes."""
        size_bytes = (await asyncio.to_thread(path.stat)).st_size
        await self._put_parts(key, path)
        return size_bytes

    def _attributes(self, key: str) -> dict[str, str] | None:
        """What readers of a presigned URL are told. A disk keeps no attributes, and needs none."""
        return None if self.root is not None else {"Content-Type": content_type_of(key)}

    async def _put_parts(self, key: str, source: Any) -> None:
        with _mapped_failures():
            await obstore.put_async(
                self.store,
                checked_key(key),
                source,
                chunk_size=PART_BYTES,
                max_concurrency=PARTS_IN_FLIGHT,
                attributes=self._attributes(key),
            )

    async def get(self, key: str) -> bytes:
        """Return a small object. Raises ObjectMissingError."""
        with _mapped_failures(), _mapped_absence(key):
            result = await obstore.get_async(self.store, checked_key(key))
            return bytes(await result.bytes_async())

    async def stream(
        self, key: str, start_bytes: int = 0, end_bytes: int | None = None
    ) -> AsyncIterator[bytes]:
        """Yield a range in chunks of a mebibyte or more."""
        path = self.local_path(key)
        if path is not None:
            with mapped_disk(key):
                async with aclosing(read_file(path, start_bytes, end_bytes)) as chunks:
                    async for chunk in chunks:
                        yield chunk
            return
        # Asked first: an empty range is an error of every store, one past the end of some.
        info = await self.head(key)
        if info is None:
            raise ObjectMissingError(key)
        end_bytes = checked_end(key, start_bytes, end_bytes, info.size_bytes)
        if start_bytes == end_bytes:
            return
        with _mapped_failures(), _mapped_absence(key):
            result = await obstore.get_async(self.store, key, options={"range": (start_bytes, end_bytes)})
            async for chunk in result.stream(min_chunk_size=CHUNK_BYTES):
                yield bytes(chunk)

    async def head(self, key: str) -> ObjectInfo | None:
        """Return size, etag and time, or None."""
        try:
            with _mapped_failures():
                found = await obstore.head_async(self.store, checked_key(key))
        except FileNotFoundError:
            return None
        etag = (found["e_tag"] or "").strip('"')
        return ObjectInfo(key=key, size_bytes=found["size"], etag=etag, modified_at=found["last_modified"])

    async def remove_prefix(self, prefix: str) -> int:
        """Delete everything below `prefix/` and return how many objects that was."""
        if self.root is not None:
            return await asyncio.to_thread(_remove_tree, self.root / checked_key(prefix))
        count = 0
        with _mapped_failures():
            async for batch in obstore.list(self.store, checked_key(prefix), chunk_size=1000):
                await obstore.delete_async(self.store, [found["path"] for found in batch])
                count += len(batch)
        return count

    async def remove(self, keys: Sequence[str]) -> None:
        """Delete objects; missing ones are no error."""
        with _mapped_failures():
            if self.root is None and keys:
                await obstore.delete_async(self.store, [checked_key(key) for key in keys])
                return
            for key in keys:
                with suppress(FileNotFoundError):  # a disk says so, S3 is silent
                    await obstore.delete_async(self.store, checked_key(key))

    def local_path(self, key: str) -> Path | None:
        """Return where the object lies on this machine's disk, or None."""
        checked_key(key)
        return self.root / key if self.root is not None else None

    async def presign(self, key: str, seconds: float) -> str | None:
        """Return a URL that reads the object, or None: a disk has none."""
        checked_key(key)
        if self.root is not None:
            return None
        with _mapped_failures():
            return str(await obstore.sign_async(self.store, "GET", key, timedelta(seconds=seconds)))

    async def ping(self) -> None:
        """Touch the store. Raises StorageUnavailableError."""
        if self.root is not None and not self.root.is_dir():
            raise StorageUnavailableError(f"object storage: {self.root} is not there")
        with _mapped_failures():
            async with asyncio.timeout(PING_SECONDS):
                async for _ in obstore.list(self.store, "ping", chunk_size=1):
                    return


class _Counted:
    """A stream that knows how much of it has passed."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks
        self.count_bytes = 0

    def __aiter__(self) -> "_Counted":
        return self

    async def __anext__(self) -> bytes:
        chunk = await anext(self._chunks)
        self.count_bytes += len(chunk)
        return chunk


@contextmanager
def _mapped_failures() -> Iterator[None]:
    """Turn what the store says of itself into StorageUnavailableError; a stream's own error passes."""
    try:
        yield
    except (BaseError, TimeoutError) as error:
        raise StorageUnavailableError(f"object storage: {str(error).partition(chr(10))[0]}") from error


@contextmanager
def _mapped_absence(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise ObjectMissingError(key) from error


def _remove_tree(directory: Path) -> int:
    """Delete a directory with what is in it, unfinished objects too, which do not count."""
    count = sum(path.is_file() and "#" not in path.name for path in directory.rglob("*"))
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(directory)
    except OSError as error:
        raise StorageUnavailableError(f"object storage: {error}") from error
    return count
