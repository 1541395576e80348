"""Rows F02, F05 and F07 of the fault table, and E06 on the server's routes: what strangers send to a real server."""
# ruff: noqa: N802 - the rows of the table have capital letters

import contextlib
import http.client
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from tests.helpers.browser import ROOT, Server, poll
from tests.helpers.raw_session import RawSession, open_socket, refusal

GOLDEN = "20261101-100000-golden"
CANARY = "hf_CANARYcanaryCANARY"
MB = 1_000_000

# In the server's process only: counts reads of the model's weights and emptied caches, and fails where a page asks for
# the file `boom`, as an unforeseen mistake would.
WATCH = """
import os, sys
folder = os.environ["WATCH_FOLDER"]
def note(name):
    with open(os.path.join(folder, name), "a") as file:
        file.write("x")
def watch(event, arguments):
    if event != "open" or not isinstance(arguments[0], (str, os.PathLike)):
        return
    path = os.fspath(arguments[0])
    if path.endswith("checkpoints/best/model.safetensors"):
        note("weights")
    if path.endswith("-golden/config.json") and os.path.exists(os.path.join(folder, "boom")):
        raise RuntimeError("inner-detail-4711")
if "streamlit" in " ".join(sys.orig_argv):
    sys.addaudithook(watch)
    from streamlit.runtime import app_session
    empty = app_session.AppSession._handle_clear_cache_request
    app_session.AppSession._handle_clear_cache_request = lambda self: (note("emptied"), empty(self))[1]
"""


def request(
    server: Server, method: str, path: str, body: bytes = b"", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """(status, headers, content); the path is sent as it is, and `Host` may be any."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.putrequest(method, path, skip_host="Host" in names, skip_accept_encoding=True)
        for name, value in names.items():
            connection.putheader(name, value)
        if method in ("PUT", "POST") or body:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was read
            connection.send(body)
        answer = connection.getresponse()
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
    finally:
        connection.close()


@contextlib.contextmanager
def running(folder: Path, **environment: str) -> Iterator[Server]:
    """A server with a finished run of an older release."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("UNET_STUDIO_PUBLIC", "UNET_STUDIO_HOSTS", "SPACE_ID", "SPACE_HOST"):
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        server = Server(folder)
        server.start()
        shutil.copytree(ROOT / "tests" / "golden" / "release_0_1" / "run", server.runs_dir / GOLDEN)
        try:
            yield server
        finally:
            server.kill()


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("local"), UNET_STUDIO_HOSTS="studio.example.org") as server:
        yield server


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("public")
    (folder / "watch").mkdir()
    (folder / "watch" / "sitecustomize.py").write_text(WATCH)
    with running(
        folder,
        UNET_STUDIO_PUBLIC="1",
        HF_TOKEN=CANARY,
        STREAMLIT_CLIENT_SHOW_ERROR_DETAILS="full",
        PYTHONPATH=str(folder / "watch"),
        WATCH_FOLDER=str(folder / "watch"),
    ) as server:
        yield server


# ------------------------------------------------------------------------------------------- F07 foreign Host or Origin

ROUTES = (
    ("GET", "/"), ("GET", "/train"), ("GET", "/_stcore/health"), ("GET", "/_stcore/host-config"), ("GET", "/nothing"),
    ("GET", "/api/activity"), ("GET", f"/api/runs/{GOLDEN}/events"), ("GET", "/static/css/x.css"), ("GET", "/media/x"),
    ("PUT", "/_stcore/upload_file/a/b"), ("POST", "/api/uploads"), ("DELETE", "/api/uploads/x"), ("GET", "/viewer/x/y"),
)  # fmt: skip


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_F07_a_foreign_host_or_origin_is_refused(local: Server, method: str, path: str) -> None:
    own = f"127.0.0.1:{local.port}"
    for host in ("evil.example", f"evil.example:{local.port}", f"127.0.0.1.evil.example:{local.port}"):
        status, headers, content = request(local, method, path, Host=host)
        assert (status, headers["content-type"]) == (403, "text/plain; charset=utf-8")
        assert b"does not answer as" in content
        assert b"UNET_STUDIO_HOSTS" in content
        assert "frame-ancestors 'self'" in headers["content-security-policy"]
    for host in (own, f"localhost:{local.port}", "studio.example.org", "10.0.0.7:80"):
        assert b"does not answer as" not in request(local, method, path, Host=host)[2]
    foreign = [request(local, method, path, Host=own, Origin=origin) for origin in ("https://evil.example", "null")]
    assert [b"Requests from pages of" in content for _, _, content in foreign] == [method != "GET"] * 2
    for origin in (f"http://{own}", "https://studio.example.org:8443"):
        assert b"Requests from pages of" not in request(local, method, path, Host=own, Origin=origin)[2]
    for _, headers, _ in foreign:
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers or headers["access-control-allow-origin"] == f"http://{own}"


def test_F07_a_foreign_websocket_is_refused(local: Server) -> None:
    own = f"127.0.0.1:{local.port}"
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": f"http://localhost:{local.port}"},
        {"Origin": f"http://{own}.evil.example"},
        {"Host": f"evil.example:{local.port}", "Origin": f"http://evil.example:{local.port}"},
        {"Host": "evil.example"},
    ):
        status, text = refusal(local.url, **headers)
        assert status == 403, headers
        assert "UNET_STUDIO_HOSTS" in text
    for headers in (
        {},
        {"Origin": f"http://{own}"},
        {"Origin": "https://studio.example.org"},
        {"Host": "studio.example.org", "Origin": "https://studio.example.org"},
        {"Host": f"localhost:{local.port}", "Origin": f"http://localhost:{local.port}"},
    ):
        assert refusal(local.url, **headers) == (101, ""), headers
    with RawSession(local.url, Origin="https://studio.example.org") as session:
        assert b"UNet Studio" in session.visit()


# --------------------------------------------------------------------------------------------------- F02 many of a kind


def places(server: Server, number: int) -> tuple[list[ClientConnection], list[tuple[int, str]]]:
    """(the sockets that opened, the refusals of the others)"""
    opened: list[ClientConnection] = []
    refused = []
    for _ in range(number):
        try:
            opened.append(open_socket(server.url))
        except InvalidStatus as error:
            refused.append((error.response.status_code, (error.response.body or b"").decode()))
    return opened, refused


def test_F02_two_hundred_sockets(public: Server) -> None:
    opened, refused = places(public, 200)
    try:
        assert len(opened) == 60
        assert {status for status, _ in refused} == {503}
        assert all("All places of this server are taken" in text for _, text in refused)
        status, headers, content = request(public, "GET", "/", Accept="text/html")
        assert (status, headers["retry-after"]) == (503, "120")
        assert b"All places" in content
        assert request(public, "GET", "/_stcore/health")[0] == 200
    finally:
        for connection in opened:
            connection.close()
    poll(lambda: refusal(public.url)[0] == 101, what="a place once others have left")


def test_F02_two_hundred_uploads(public: Server) -> None:
    body = upload_body(25 * 2**20)
    kinds = {"Content_Type": "multipart/form-data; boundary=line"} | xsrf(public)
    with RawSession(public.url) as session:
        session.visit("predict")
        statuses = []
        for number in range(200):
            statuses.append(request(public, "PUT", f"/_stcore/upload_file/{session.id}/{number}", body, **kinds)[0])
        assert statuses == [204] * 11 + [503] * 189, "300 MB in memory"
        peak = memory(public)
        assert peak < 1500 * MB
        assert request(public, "DELETE", f"/_stcore/upload_file/{session.id}/3", **kinds)[0] == 204
        again = [request(public, "PUT", f"/_stcore/upload_file/{session.id}/x{n}", body, **kinds)[0] for n in range(2)]
        assert again == [204, 503], "what was removed makes room"
        for number in [*range(200), "x0"]:
            request(public, "DELETE", f"/_stcore/upload_file/{session.id}/{number}", **kinds)
    print(f"200 uploads of 25 MB: 11 taken, the server at {peak / MB:.0f} MB at most")


def test_F02_a_body_that_is_too_large_or_says_no_length(public: Server) -> None:
    kinds = xsrf(public)
    for method, path, size, status in (
        ("PUT", "/_stcore/upload_file/a/b", 53 * MB, 413),
        ("PUT", "/api/uploads/x?offset=0", 10 * MB, 413),
        ("POST", "/api/uploads", 5 * MB, 413),
        ("POST", "/anything", 200_000, 413),
    ):
        connection = http.client.HTTPConnection("127.0.0.1", public.port, timeout=60)
        connection.putrequest(method, path)
        for name, value in kinds.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.putheader("Content-Length", str(size))
        connection.endheaders()  # no byte of it is waited for
        assert connection.getresponse().status == status, path
        connection.close()
    with socket.create_connection(("127.0.0.1", public.port), timeout=60) as raw:
        head = f"PUT /_stcore/upload_file/a/b HTTP/1.1\r\nHost: 127.0.0.1:{public.port}\r\n"
        raw.sendall(f"{head}Transfer-Encoding: chunked\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 411")


def test_F02_messages_that_are_too_large_or_empty_the_caches(public: Server) -> None:
    watch = public.folder / "watch"
    counts = []
    for _ in range(3):
        with RawSession(public.url) as session:
            for number in range(34):
                session.send(BackMsg(clear_cache=True))
                session.send(BackMsg(load_git_info=True) if number % 2 else BackMsg(set_run_on_save=True))
            session.visit("predict", f"model={GOLDEN}&example=all")
            poll(lambda: (watch / "weights").exists(), what="the model's weights")
            poll(lambda: b"foreground" in session.visit("predict", f"model={GOLDEN}&example=all"), what="a prediction")
            counts.append((watch / "weights").read_text())
    assert counts[0] == counts[1] == counts[2], "the model is loaded once"
    assert not (watch / "emptied").exists(), "102 messages had no effect"
    with RawSession(public.url) as session:
        session.send(BackMsg(rerun_script={"query_string": "x" * (MB + 1)}))
        with pytest.raises(ConnectionClosed) as closed:
            session.socket.recv(60)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def xsrf(server: Server) -> dict[str, str]:
    """The headers by which Streamlit knows its own page."""
    cookie = request(server, "GET", "/_stcore/health")[1]["set-cookie"].partition(";")[0]
    return {"Cookie": cookie, "X_Xsrftoken": cookie.partition("=")[2]}


def upload_body(size: int) -> bytes:
    head = b'--line\r\nContent-Disposition: form-data; name="a"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n'
    return head + bytes(size) + b"\r\n--line--\r\n"


def memory(server: Server) -> int:
    """Bytes that the server had in memory at most."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


# ---------------------------------------------------------------------------------------- F05 tokens, details of errors


def test_F05_an_error_shows_a_number_and_the_log_has_the_details(public: Server) -> None:
    boom = public.folder / "watch" / "boom"
    boom.touch()
    try:
        with RawSession(public.url) as session:
            shown = session.visit("evaluate", f"run={GOLDEN}").decode("utf-8", "replace")
    finally:
        boom.unlink()
    error_id = shown.partition("Something went wrong on the server (error ")[2][:8]
    assert len(error_id) == 8
    assert int(error_id, 16) >= 0
    for detail in ("inner-detail-4711", "RuntimeError", "Traceback", "site-packages"):
        assert detail not in shown
    log = public.log.read_text()
    assert f"Error {error_id}" in log
    assert "inner-detail-4711" in log.partition(f"Error {error_id}")[2]


def test_F05_a_token_of_the_environment_is_nowhere(public: Server) -> None:
    with RawSession(public.url) as session:
        for page in ("", "data", "train", "predict", "evaluate", "compare", "share"):
            session.visit(page, f"run={GOLDEN}&model={GOLDEN}")
        assert not [data for data in session.received if CANARY.encode() in data]
    for _, path in ROUTES:
        assert CANARY.encode() not in request(public, "GET", path)[2]
    files = [path for path in public.folder.rglob("*") if path.is_file()]
    assert len(files) > 20
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == []


# ------------------------------------------------------------------------------------------------------- E06 the routes

STEPS = ("/etc/passwd", "../" * 12 + "etc/passwd", "..%2f" * 12 + "etc%2fpasswd", "%2e%2e/" * 12 + "etc/passwd",
         "..%5c" * 12 + "etc%5cpasswd", "....//" * 12 + "etc/passwd", "%252e%252e%252f" * 12 + "etc%252fpasswd",
         "/proc/self/environ", "..;/" * 12 + "etc/passwd", "%00/etc/passwd", "file:///etc/passwd",
         "config.json/../../../../../../etc/passwd", "~root/.bashrc", "%c0%ae%c0%ae/" * 12 + "etc/passwd",
         "\\\\host\\share\\x", "static/../../../../../../../../etc/passwd", "link", "link/config.json")  # fmt: skip
PREFIXES = ("/", "/api/runs/", f"/api/runs/{GOLDEN}/film/", "/viewer/", "/viewer/x/", "/pixels/", "/media/", "/static/",
            "/component/", "/_stcore/bidi-components/", "/app/static/", "/api/uploads/")  # fmt: skip


@pytest.mark.parametrize("steps", STEPS)
def test_E06_no_route_leads_to_a_file(public: Server, steps: str) -> None:
    assert len(STEPS) == 18
    link = public.runs_dir / "link"
    if not link.is_symlink():
        link.symlink_to("/etc")
    inside = Path("/etc/passwd").read_bytes()[:20]
    for prefix in PREFIXES:
        for path in (prefix + steps, f"{prefix}x?path={quote(steps)}&root={quote(steps)}"):
            status, _, content = request(public, "GET", path.replace(" ", "%20"))
            assert inside not in content, path
            assert b"PATH=" not in content, path
            assert status < 500, path


def test_E06_the_servers_own_numbers_are_closed(public: Server) -> None:
    for path in ("/_stcore/metrics", "/_stcore/agent/openapi.json", "/_stcore/script-health-check"):
        assert request(public, "GET", path)[0] == 404
