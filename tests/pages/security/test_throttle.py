"""The limits at work in front of a server: who is counted with whom, and what is told."""

import asyncio
from typing import Any

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg

from pages.server.security import throttle
from pages.server.security.limits import MB, Limits
from pages.server.security.throttle import Throttle
from tests.helpers.loops import run_async

LIMITS = Limits(max_sockets=3, max_sockets_per_client=2, max_requests_per_client=1000, max_messages=1000)


@pytest.fixture(autouse=True)
def public(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNET_STUDIO_PUBLIC", "1")


class Behind:
    """What is behind the limits: reads all that comes; sockets stay open until `end` is set."""

    def __init__(self, limits: Limits = LIMITS, held: dict[str, int] | None = None) -> None:
        self.bodies: list[int] = []
        self.messages: list[bytes] = []
        self.end = asyncio.Event()
        self.outer = Throttle(self.serve, limits=limits, held=lambda: held or {})

    async def serve(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                self.messages.append(message["bytes"])
            await self.end.wait()
            return
        size, more = 0, scope["method"] != "GET"
        while more:
            message = await receive()
            size += len(message.get("body", b""))
            more = message.get("more_body", False)
        self.bodies.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"in"})

    async def ask(self, method: str = "GET", path: str = "/", client: str = "9.9.9.9", body: Any = (), **headers: str):
        """(status, text)"""
        parts = list(body)
        messages = [
            {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)} for i, part in enumerate(parts)
        ]
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": raw, "client": (client, 5)}
        answers: list[dict[str, Any]] = []

        async def receive() -> Any:
            return messages.pop(0) if messages else await asyncio.Event().wait()

        async def send(message: Any) -> None:
            answers.append(message)

        await self.outer(scope, receive, send)
        return answers[0]["status"], b"".join(answer.get("body", b"") for answer in answers[1:]).decode().strip()

    async def open(self, client: str, *messages: bytes) -> tuple[str, asyncio.Task[None]]:
        """(what came of a socket: "websocket.accept" or the status of its refusal, the task in which it lives)"""
        incoming: list[Any] = [{"type": "websocket.connect"}]
        incoming += [{"type": "websocket.receive", "bytes": data} for data in messages] + [
            {"type": "websocket.disconnect"}
        ]
        said: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

        async def receive() -> Any:
            return incoming.pop(0)

        scope = {"type": "websocket", "path": "/_stcore/stream", "headers": [], "client": (client, 5)}
        scope["extensions"] = {"websocket.http.response": {}}
        task = asyncio.create_task(self.outer(scope, receive, said.put))
        first = await said.get()
        return str(first.get("status", first["type"])), task


def test_sockets_have_places_in_all_and_for_each_address() -> None:
    async def walk() -> None:
        behind = Behind()
        opened = [await behind.open(client) for client in ("a.1", "8.8.8.8", "8.8.8.8", "8.8.8.8", "7.7.7.7")]
        assert [state for state, _ in opened] == ["websocket.accept"] * 3 + ["503", "503"]
        assert (await behind.ask(accept="text/html"))[0] == 503, "a page would wait for its socket for ever"
        assert (await behind.ask(accept="*/*"))[0] == 200
        behind.end.set()
        await asyncio.gather(*(task for _, task in opened))
        behind.end.clear()
        again = [await behind.open("8.8.8.8") for _ in range(3)]
        assert [state for state, _ in again] == ["websocket.accept", "websocket.accept", "429"]
        status, text = await behind.ask(client="8.8.8.8", accept="text/html")
        assert (status, text) == (429, "2 pages are open from your address, the most here. Close one.")
        assert (await behind.ask(client="7.7.7.7", accept="text/html"))[0] == 200
        behind.end.set()
        await asyncio.gather(*(task for _, task in again))

    run_async(walk())


def test_this_machine_has_no_place_of_its_own_to_use_up() -> None:
    async def walk() -> None:
        behind = Behind()
        opened = [await behind.open("127.0.0.1") for _ in range(4)]
        assert [state for state, _ in opened] == ["websocket.accept"] * 3 + ["503"]
        behind.end.set()
        await asyncio.gather(*(task for _, task in opened))

    run_async(walk())


def test_requests_of_an_address_are_counted() -> None:
    async def walk() -> None:
        behind = Behind(Limits(max_requests_per_client=60))
        statuses = [(await behind.ask())[0] for _ in range(70)]
        assert statuses[:60] == [200] * 60
        assert statuses.count(429) >= 8
        assert (await behind.ask(client="7.7.7.7"))[0] == 200
        assert [(await behind.ask(client="127.0.0.1"))[0] for _ in range(100)] == [200] * 100

    run_async(walk())


def test_only_what_a_visitor_may_send_comes_through() -> None:
    async def walk() -> None:
        behind = Behind()
        rerun = BackMsg(rerun_script={"query_string": "a=b"}).SerializeToString()
        kinds = (
            "clear_cache",
            "set_run_on_save",
            "load_git_info",
            "debug_shutdown_runtime",
            "debug_disconnect_websocket",
        )
        bad = [BackMsg(**{kind: True}).SerializeToString() for kind in kinds]
        good = [rerun, *(BackMsg(**{kind: True}).SerializeToString() for kind in ("stop_script", "app_heartbeat"))]
        behind.end.set()
        _, task = await behind.open("9.9.9.9", *bad, *good, *bad, b"\xff\xff", bytes(MB + 1), rerun)
        await task
        assert behind.messages == [*good, b"\xff\xff"], "the socket ends with a message that is too large"

    run_async(walk())


def test_messages_beyond_the_rate_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    async def walk() -> None:
        behind = Behind(Limits(max_messages=2))
        behind.end.set()
        _, task = await behind.open("9.9.9.9", *[b""] * 14)
        await task
        assert behind.messages == [b""] * 14, "none is lost"

    monkeypatch.setattr(throttle.asyncio, "sleep", note)
    run_async(walk())
    assert len(waits) == 4
    assert all(0.4 < seconds <= 0.5 for seconds in waits)


@pytest.mark.parametrize(
    ("method", "path", "length", "status"),
    [
        ("PUT", "/_stcore/upload_file/s/f", "1000", 200),
        ("PUT", "/_stcore/upload_file/s/f", str(53 * MB), 413),
        ("PUT", "/_stcore/upload_file/s/f", "", 411),
        ("PUT", "/_stcore/upload_file/s/f", "-5", 411),
        ("PUT", "/api/uploads/x", str(8 * 2**20), 200),
        ("PUT", "/api/uploads/x", "", 411),
        ("PUT", "/api/uploads/x", str(9 * MB + 1), 413),
        ("POST", "/api/uploads", str(4 * MB), 200),
        ("POST", "/api/uploads", str(4 * MB + 1), 413),
        ("POST", "/other", "100001", 413),
        ("POST", "/other", "", 200),
    ],
)
def test_a_body_has_the_size_that_its_route_grants(method: str, path: str, length: str, status: int) -> None:
    async def walk() -> None:
        behind = Behind()
        headers = {"content_length": length} if length else {}
        assert (await behind.ask(method, path, body=[b"x" * 500, b"x" * 500], **headers))[0] == status
        assert behind.bodies == [1000] * (status == 200)

    run_async(walk())


def test_a_body_that_says_no_length_is_counted_as_it_comes() -> None:
    async def walk() -> None:
        behind = Behind()
        status, text = await behind.ask("POST", "/other", body=[b"x" * 60_000] * 2)
        assert (status, text) == (413, "A request can carry 100,000 bytes here, not 120,000.")
        assert behind.bodies == []

    run_async(walk())


def test_a_body_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk() -> None:
        behind = Behind()
        status, text = await behind.ask("PUT", "/api/uploads/x", body=[], content_length="1000")
        assert (status, text) == (408, "The upload came too slowly. Try again.")

    monkeypatch.setattr(throttle, "STALL_SECONDS", 0.01)
    run_async(walk())


def test_elsewhere_nothing_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    async def walk() -> None:
        behind = Behind(Limits(max_sockets=1, max_requests_per_client=1))
        behind.end.set()
        for _ in range(5):
            assert (await behind.ask("POST", "/other", body=[b"x" * 200_000], content_length="200000"))[0] == 200
            clear = BackMsg(clear_cache=True).SerializeToString()
            state, task = await behind.open("9.9.9.9", clear)
            await task
            assert state == "websocket.accept"
            assert behind.messages.pop() == clear

    monkeypatch.delenv("UNET_STUDIO_PUBLIC")
    run_async(walk())


def test_a_base_path_changes_nothing() -> None:
    async def walk() -> None:
        behind = Behind()
        behind.outer.root = "/deep/er/"
        assert (await behind.ask(path="/deep/er/_stcore/metrics"))[0] == 404
        assert (await behind.ask("PUT", "/deep/er/_stcore/upload_file/s/f", content_length=str(53 * MB)))[0] == 413
        assert (await behind.ask("PUT", "/deep/er/api/uploads/x", content_length=str(10 * MB)))[0] == 413

    run_async(walk())
