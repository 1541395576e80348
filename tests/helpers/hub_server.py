"""A Hugging Face Hub on 127.0.0.1 for tests: listing, redirects, etags, refusals, silence; it notes every request."""

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LFS = (".safetensors", ".bin", ".zip", ".parquet")


@dataclass
class Repo:
    """A repository: its files, and how it answers. `sizes` are told in place of the real ones."""

    files: dict[str, bytes] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)  # names that stand in the listing beside the files
    refusal: tuple[int, str] | None = None  # status, X-Error-Code
    pad: dict[str, int] = field(default_factory=dict)  # bytes that are sent beyond a file's end
    cuts: dict[str, list[int]] = field(default_factory=dict)  # bytes after which the next answers lose the connection
    stalls: bool = False  # the connection stays open in silence after a cut, until the server is released
    token: str = ""  # without which it is refused, as `refusal` says
    license: str = ""

    @property
    def commit(self) -> str:
        return hashlib.sha1(b"".join(name.encode() + data for name, data in sorted(self.files.items()))).hexdigest()

    def listing(self, name: str) -> dict[str, Any]:
        siblings: list[dict[str, Any]] = []
        for file, data in self.files.items():
            size = self.sizes.get(file, len(data))
            entry: dict[str, Any] = {"rfilename": file, "size": size, "blobId": blob_id(data)}
            if file.endswith(LFS):
                entry["lfs"] = {"size": size, "sha256": hashlib.sha256(data).hexdigest(), "pointerSize": 130}
            siblings.append(entry)
        siblings += [{"rfilename": file, "size": self.sizes.get(file, 1), "blobId": "0" * 40} for file in self.listed]
        about = {"private": False, "tags": [f"license:{self.license}"] if self.license else []}
        return {"id": name, "modelId": name, "sha": self.commit, "siblings": siblings} | about

    def refuses(self, headers: Mapping[str, str]) -> bool:
        """Whether it does not answer who sends these headers."""
        granted = bool(self.token) and headers.get("authorization") == f"Bearer {self.token}"
        return self.refusal is not None and not granted


def blob_id(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def split_name(path: str) -> tuple[str, str]:
    """The name of a repository and what follows it in a path."""
    words = path.split("/")
    count = 3 if words[0] == "datasets" else 2
    return "/".join(words[:count]), "/".join(words[count:])


class Hub:
    """The server: its address, its repositories by name, and every request it got as (method, path, headers).

    The name of a dataset begins with `datasets/`.
    """

    def __init__(self) -> None:
        self.repos: dict[str, Repo] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.status = 0  # answered to everything in place of the truth
        self.released = threading.Event()  # set when the silent ones may go
        self.silent: set[str] = set()  # beginnings of paths that are never answered, but for a look at a header
        self.endpoint = ""

    def paths(self, method: str = "GET") -> list[str]:
        return [path for kind, path, _ in self.requests if kind == method]

    def headers(self) -> str:
        """All that was ever sent here, as text to look through."""
        return json.dumps(self.requests)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        self._answer(body=True)

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self, body: bool) -> None:
        hub, path = self.hub, unquote(urlsplit(self.path).path)
        hub.requests.append((self.command, self.path, dict(self.headers)))
        is_look = path.startswith("/cdn/") and self.headers.get("Range", "").startswith("bytes=0-")
        if not is_look and any(path.startswith(start) for start in hub.silent):
            hub.released.wait(120)
            return
        if hub.status:
            self._send(hub.status, b"", {}, body)
        elif path.startswith("/api/models/"):
            self._list(path.removeprefix("/api/models/"), body)
        elif path.startswith("/api/datasets/"):
            self._list(path.removeprefix("/api/"), body)
        elif path.startswith("/cdn/"):
            self._send_file(*split_name(path.removeprefix("/cdn/")), body=body)
        else:
            self._resolve(*split_name(path.strip("/")), body=body)

    def _list(self, path: str, body: bool) -> None:
        name, _, revision = path.partition("/revision/")
        repo = self.hub.repos.get(name)
        if repo is None or repo.refuses({key.lower(): value for key, value in self.headers.items()}):
            status, code = repo.refusal if repo and repo.refusal else (401, "RepoNotFound")
            message = "Invalid credentials in Authorization header" if code == "Invalid" else "no"
            self._send(status, b"{}", {"X-Error-Code": code, "X-Error-Message": message}, body)
        elif revision not in ("", "main", "v1", "a/b", repo.commit):
            self._send(404, b"{}", {"X-Error-Code": "RevisionNotFound"}, body)
        else:
            data = json.dumps(repo.listing(name)).encode()
            self._send(200, data, {"Content-Type": "application/json"}, body)

    def _resolve(self, repo_name: str, rest: str, body: bool) -> None:
        words = rest.split("/")
        repo = self.hub.repos.get(repo_name) if len(words) > 2 and words[0] == "resolve" else None
        name = "/".join(words[2:])
        if repo is None or name not in repo.files:
            self._send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
            return
        data, commit = repo.files[name], {"X-Repo-Commit": repo.commit}
        if name.endswith(LFS):
            digest = hashlib.sha256(data).hexdigest()
            size = str(repo.sizes.get(name, len(data)))
            cdn = self.hub.endpoint.replace("127.0.0.1", "localhost")  # another host, as the real one's
            place = {"Location": f"{cdn}/cdn/{repo_name}/{name}", "X-Linked-Etag": f'"{digest}"'}
            self._send(302, b"", commit | place | {"X-Linked-Size": size}, body)
        else:
            self._send(200, data, commit | {"ETag": f'"{blob_id(data)}"'}, body)

    def _send_file(self, repo_name: str, name: str, body: bool) -> None:
        found = self.hub.repos[repo_name]
        data = found.files[name] + b"x" * found.pad.get(name, 0)
        wanted = self.headers.get("Range", "")
        first, _, last = wanted.removeprefix("bytes=").partition("-")
        start, end = int(first or 0), min(len(data), int(last or len(data)) + 1)
        headers = {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"} if wanted else {}
        is_start = wanted.startswith("bytes=0-")  # of a look at the header, which is never cut
        cut = found.cuts[name].pop(0) if found.cuts.get(name) and not is_start and body else None
        self._send(206 if wanted else 200, data[start:end], headers, body, cut)
        if cut is not None and found.stalls:
            self.wfile.flush()
            self.hub.released.wait(120)

    def _send(self, status: int, data: bytes, headers: dict[str, str], body: bool, cut: int | None = None) -> None:
        try:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data[:cut])
            self.close_connection = self.close_connection or cut is not None
        except (BrokenPipeError, ConnectionResetError):
            pass


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A Hub on a free port of 127.0.0.1."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
