"""Players of the web from the npm registry, pinned by their integrity, and a page that plays with them."""

import hashlib
import tarfile
import threading
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path

import httpx2

REGISTRY = "https://registry.npmjs.org"
DOWNLOAD_SECONDS = 60.0


@dataclass(frozen=True)
class Library:
    """One file of one version of a package."""

    package: str
    version: str
    integrity: str
    """SHA-512 of the tarball in base64, as `npm view PACKAGE dist.integrity` tells it."""
    file: str

    def fetch(self, cache: Path) -> bytes:
        """Return the file; the tarball is downloaded once. Raises httpx2.HTTPError."""
        kept = cache / f"{self.package}-{self.version}.tgz"
        if not kept.exists():
            url = f"{REGISTRY}/{self.package}/-/{kept.name}"
            data = httpx2.get(url, timeout=DOWNLOAD_SECONDS).raise_for_status().content
            self._require(data)
            kept.write_bytes(data)
        data = kept.read_bytes()
        self._require(data)
        with tarfile.open(fileobj=BytesIO(data)) as archive:
            found = archive.extractfile(f"package/{self.file}")
            assert found is not None, self.file
            return found.read()

    def _require(self, data: bytes) -> None:
        found = b64encode(hashlib.sha512(data).digest()).decode()
        assert found == self.integrity, f"{self.package} {self.version} is not what it was: {found}"


HLS_JS = Library(
    "hls.js",
    "1.7.4",
    "3GlxGdPvT2YHvQYOt+yOzT/DEior/qJVNIylHA77kgeoBTdQQqi70GwefNEUmHQeNGyjC8U62+bruqW/Tpm+tg==",
    "dist/hls.min.js",
)
DASH_JS = Library(
    "dashjs",
    "5.2.1",
    "axcJmLeJCTJMLUfQRErUJB1KOiU5iHF+DMLBc3FKeox1HPYtGUQlC6Xm5Mm6vhBUR3CHHLIPOqw0JDIqMtP+Dw==",
    "dist/modern/umd/dash.all.min.js",
)
LIBRARIES = {"/hls.js": HLS_JS, "/dash.js": DASH_JS}
PAGE = Path(__file__).with_name("player.html")


@contextmanager
def serving(files: Mapping[str, bytes]) -> Iterator[str]:
    """Serve files by their paths, and the page at /, for the body; yields the origin."""
    known = {"/": PAGE.read_bytes(), **files}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = known.get(self.path)
            self.send_response(200 if data is not None else 404)
            self.send_header("Content-Type", "text/javascript" if self.path.endswith(".js") else "text/html")
            self.send_header("Content-Length", str(len(data or b"")))
            self.end_headers()
            self.wfile.write(data or b"")

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://localhost:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
