"""The Hub on 127.0.0.1 that takes uploads: repositories are made, large files stored, commits applied; and refusals."""

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from tests.helpers.hub_server import LFS, Hub, Repo, _Handler, blob_id

TOKEN = "hf_" + "goodtokenofthetests"


@dataclass
class PushRepo(Repo):
    """A repository that can be written to: `commits` has the names that each commit wrote or deleted."""

    private: bool = True
    commits: list[list[str]] = field(default_factory=list)
    sdk: str = ""  # of a Space

    def listing(self, name: str) -> dict[str, Any]:
        return super().listing(name) | {"private": self.private} | ({"sdk": self.sdk} if self.sdk else {})


class PushHub(Hub):
    """The server: `objects` are large files by their SHA-256, `refused` answers beginnings of paths with a status.

    The name of a Space begins with `spaces/`.

    `drops` uploads are cut in the middle before one succeeds; with `chunk_size` large files come in several parts.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[str, bytes] = {}
        self.parts: dict[str, dict[int, bytes]] = {}
        self.refused: dict[str, tuple[int, dict[str, str]]] = {}
        self.drops = 0
        self.chunk_size = 0
        self.bodies: list[bytes] = []

    def everything(self) -> bytes:
        """All that was ever sent here."""
        return self.headers().encode() + b"".join(self.bodies)


class _PushHandler(_Handler):
    hub: PushHub

    def do_GET(self) -> None:  # noqa: N802 - http.server calls it so
        path = unquote(urlsplit(self.path).path)
        if self._refuse(path):
            return
        if path == "/api/whoami-v2":
            self.hub.requests.append((self.command, self.path, dict(self.headers)))
            known = self._is_known()
            self._json(200 if known else 401, {"name": "anna", "orgs": []} if known else {"error": "Invalid token"})
            return
        kind = path.split("/")[2] if path.startswith("/api/") else ""
        if kind in ("models", "spaces") and not self._is_known() and self._is_private(path):
            self.hub.requests.append((self.command, self.path, dict(self.headers)))
            self._send(401, b"{}", {"X-Error-Code": "RepoNotFound"}, body=True)
            return
        if "/tree/" in path and kind:
            self._tree(path)
            return
        if kind == "spaces":
            self.hub.requests.append((self.command, self.path, dict(self.headers)))
            self._list(path.removeprefix("/api/"), body=True)
            return
        self._answer(body=True)

    def do_PUT(self) -> None:  # noqa: N802 - http.server calls it so
        self.hub.requests.append((self.command, self.path, dict(self.headers)))
        path = unquote(urlsplit(self.path).path)
        length = int(self.headers["Content-Length"])
        if self._refuse(path):
            return
        if self.hub.drops:
            self.hub.drops -= 1
            self.rfile.read(length // 2)
            self.connection.close()
            return
        data = self.rfile.read(length)
        self.hub.bodies.append(data)
        _, _, oid, *part = path.split("/")
        if part:
            self.hub.parts.setdefault(oid, {})[int(part[0])] = data
        else:
            assert hashlib.sha256(data).hexdigest() == oid
            self.hub.objects[oid] = data
        self._send(200, b"", {"ETag": f'"{hashlib.md5(data).hexdigest()}"'}, body=True)

    def do_POST(self) -> None:  # noqa: N802 - http.server calls it so
        self.hub.requests.append((self.command, self.path, dict(self.headers)))
        path = unquote(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.hub.bodies.append(body)
        if any(path.startswith(start) for start in self.hub.silent):
            self.hub.released.wait(120)
        elif self._refuse(path):
            pass
        elif path.startswith("/lfs/"):
            self._complete(path.split("/")[2])
        elif path == "/api/validate-yaml":
            self._json(200, {"errors": [], "warnings": []})
        elif not self._is_known():
            self._json(401, {"error": "Invalid username or password."})
        elif path == "/api/repos/create":
            self._create(json.loads(body))
        elif path.endswith(".git/info/lfs/objects/batch"):
            self._batch(json.loads(body))
        elif "/preupload/" in path:
            self._preupload(path, json.loads(body))
        else:
            self._commit(path, body)

    def _is_known(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _is_private(self, path: str) -> bool:
        name = path.removeprefix("/api/").removeprefix("models/").partition("/revision/")[0].partition("/tree/")[0]
        repo = self.hub.repos.get(name)
        return repo is None or getattr(repo, "private", False)

    def _refuse(self, path: str) -> bool:
        for start, (status, headers) in self.hub.refused.items():
            if path.startswith(start):
                self._send(status, b'{"error": "refused"}', {"Content-Type": "application/json"} | headers, body=True)
                return True
        return False

    def _json(self, status: int, value: object) -> None:
        self._send(status, json.dumps(value).encode(), {"Content-Type": "application/json"}, body=True)

    def _repo(self, path: str) -> tuple[str, PushRepo]:
        words = path.removeprefix("/api/").split("/")
        name = "/".join(words[:3] if words[0] == "spaces" else words[1:3])
        repo = self.hub.repos[name]
        assert isinstance(repo, PushRepo)
        return name, repo

    def _create(self, asked: dict[str, Any]) -> None:
        name = "spaces/" * (asked.get("type") == "space") + f"{asked['organization']}/{asked['name']}"
        if name in self.hub.repos:
            self._json(409, {"error": "You already created this model repo", "url": f"{self.hub.endpoint}/{name}"})
            return
        self.hub.repos[name] = PushRepo(private=asked.get("visibility") == "private", sdk=asked.get("sdk", ""))
        self._json(200, {"url": f"{self.hub.endpoint}/{name}", "name": name})

    def _batch(self, asked: dict[str, Any]) -> None:
        objects = []
        for item in asked["objects"]:
            entry: dict[str, Any] = {"oid": item["oid"], "size": item["size"]}
            if item["oid"] not in self.hub.objects:
                href = f"{self.hub.endpoint}/lfs/{item['oid']}"
                header = {}
                if self.hub.chunk_size:
                    count = -(-item["size"] // self.hub.chunk_size)
                    header = {f"{part:05d}": f"{href}/{part}" for part in range(1, count + 1)}
                    header["chunk_size"] = str(self.hub.chunk_size)
                entry["actions"] = {"upload": {"href": href, "header": header}}
            objects.append(entry)
        self._json(200, {"transfer": "multipart" if self.hub.chunk_size else "basic", "objects": objects})

    def _complete(self, oid: str) -> None:
        data = b"".join(part for _, part in sorted(self.hub.parts.pop(oid).items()))
        assert hashlib.sha256(data).hexdigest() == oid
        self.hub.objects[oid] = data
        self._json(200, {})

    def _preupload(self, path: str, asked: dict[str, Any]) -> None:
        _, repo = self._repo(path)
        files = []
        for item in asked["files"]:
            large = item["path"].endswith(LFS)
            stored = repo.files.get(item["path"])
            oid = None if stored is None else hashlib.sha256(stored).hexdigest() if large else blob_id(stored)
            mode = "lfs" if large else "regular"
            files.append({"path": item["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._json(200, {"files": files})

    def _tree(self, path: str) -> None:
        """All files with sizes and digests, as `HfApi.list_repo_tree` asks for them."""
        self.hub.requests.append((self.command, self.path, dict(self.headers)))
        _, repo = self._repo(path)
        entries = []
        for item in repo.listing("")["siblings"]:
            entry = {"type": "file", "path": item["rfilename"], "size": item["size"], "oid": item["blobId"]}
            if "lfs" in item:
                entry["lfs"] = {"oid": item["lfs"]["sha256"], "size": item["size"], "pointerSize": 130}
            entries.append(entry)
        self._json(200, entries)

    def _commit(self, path: str, body: bytes) -> None:
        name, repo = self._repo(path)
        changed = []
        for line in map(json.loads, body.splitlines()):
            value = line["value"]
            if line["key"] == "file":
                repo.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repo.files[value["path"]] = self.hub.objects[value["oid"]]
            elif line["key"] == "deletedFile":
                del repo.files[value["path"]]
            changed += [value["path"]] if "path" in value else []
        repo.commits.append(sorted(changed))
        url = f"{self.hub.endpoint}/{name}/commit/{repo.commit}"
        self._json(200, {"success": True, "commitOid": repo.commit, "commitUrl": url, "hookOutput": ""})


@contextmanager
def running_push_hub() -> Iterator[PushHub]:
    """A Hub that takes uploads on a free port of 127.0.0.1."""
    hub = PushHub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_PushHandler,), {"hub": hub}))
    server.daemon_threads = True
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        hub.silent.clear()
        hub.released.set()
        for given_up in threading.enumerate():  # uploads end now and meet no other test's server
            if given_up.name.startswith("push "):
                given_up.join(60)
        server.shutdown()
        server.server_close()
        thread.join()
