"""A hub of one dataset repository on this machine: file list with digests, ranges, cut connections, gates and lies."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlparse

COMMIT = "c" * 40


@dataclass
class Hub:
    """A dataset repository.

    `files` by name; `lfs` names those whose SHA-256 the hub tells. Each number of `cuts` breaks one longer answer after so
    many bytes; `lies` are names whose content is sent changed; `gated` refuses everything.
    """

    repository: str
    files: dict[str, bytes]
    lfs: set[str] = field(default_factory=set)
    cuts: list[int] = field(default_factory=list)
    lies: set[str] = field(default_factory=set)
    gated: bool = False
    ranges: list[str] = field(default_factory=list)
    tokens_at_storage: list[str] = field(default_factory=list)
    downloads: list[str] = field(default_factory=list)
    url: str = ""

    def listing(self) -> dict:
        siblings = []
        for name, content in self.files.items():
            sha256 = hashlib.sha256(content).hexdigest()
            blob = hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
            lfs = {"sha256": sha256, "size": len(content), "pointerSize": 134} if name in self.lfs else None
            siblings.append({"rfilename": name, "size": len(content), "blobId": blob, "lfs": lfs})
        return {"id": self.repository, "sha": COMMIT, "siblings": siblings, "private": False, "tags": []}


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    """The hub at `hub.url` for the duration."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = unquote(urlparse(self.path).path)
            if hub.gated:
                self._send(403, b"{}", {"X-Error-Code": "GatedRepo", "X-Error-Message": "agree first"})
            elif path.startswith(f"/api/datasets/{hub.repository}"):
                self._send(200, json.dumps(hub.listing()).encode(), {"Content-Type": "application/json"})
            elif path.startswith("/storage/"):
                if "Authorization" in self.headers:
                    hub.tokens_at_storage.append(path)
                self._file(path.removeprefix("/storage/"))
            elif (name := path.removeprefix(f"/datasets/{hub.repository}/resolve/{COMMIT}/")) in hub.lfs:
                # Large files lie on another host, which must not see the token.
                self._send(302, b"", {"Location": f"http://localhost:{self.server.server_address[1]}/storage/{name}"})
            else:
                self._file(name)

        def _file(self, name: str) -> None:
            if name not in hub.files:
                self._send(404, b"{}", {"X-Error-Code": "EntryNotFound"})
                return
            content = hub.files[name]
            headers = {"X-Repo-Commit": COMMIT, "ETag": f'"{hashlib.sha256(content).hexdigest()}"', "Accept-Ranges": "bytes"}
            if name in hub.lies:
                content = bytes(byte ^ 1 for byte in content)
            if self.command == "GET":
                hub.downloads.append(name)
            asked = self.headers.get("Range")
            if asked and self.command == "GET":
                hub.ranges.append(asked)
                first = int(asked.removeprefix("bytes=").split("-")[0])
                headers["Content-Range"] = f"bytes {first}-{len(content) - 1}/{len(content)}"
                self._send(206, content[first:], headers)
            else:
                self._send(200, content, headers)

        def _send(self, code: int, content: bytes, headers: dict[str, str]) -> None:
            self.send_response(code)
            for key, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(key, value)
            self.end_headers()
            if self.command == "HEAD":
                return
            if hub.cuts and len(content) > max(hub.cuts[0], 10_000):
                self.wfile.write(content[: hub.cuts.pop(0)])
                self.wfile.flush()
                self.close_connection = True
                self.connection.close()
                return
            self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
