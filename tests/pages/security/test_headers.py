"""What every answer tells the browser."""

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.testclient import TestClient

from pages.server.delivery import index_page
from pages.server.security import headers
from pages.server.security.gate import HostGate

OWN = "<script>one()</script><script type='module' src='a.js'></script><script>\n two()\n</script>"


def policy_of(answer: Response) -> dict[str, str]:
    parts = answer.headers["content-security-policy"].split("; ")
    return dict(part.partition(" ")[::2] for part in parts)


@pytest.fixture
def client() -> TestClient:
    async def respond(request: object) -> Response:
        return PlainTextResponse("in", headers={"X-Content-Type-Options": "nosniff", "Referrer-Policy": "unsafe-url"})

    middleware = [Middleware(headers.SecurityHeaders, documents=[OWN, OWN]), Middleware(HostGate)]
    app = Starlette(routes=[Route("/", respond)], middleware=middleware)
    return TestClient(app, base_url="http://localhost:8501")


@pytest.mark.parametrize("path", ["/", "/nothing", "/../etc/passwd"])
@pytest.mark.parametrize("host", ["localhost:8501", "evil.example"])
def test_every_answer_has_each_header_once(client: TestClient, path: str, host: str) -> None:
    answer = client.get(path, headers={"Host": host})
    names = [name.lower() for name, _ in answer.headers.multi_items()]
    for name in (*headers.ALWAYS, "Content-Security-Policy"):
        assert names.count(name.lower()) == 1, name
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "same-origin"
    assert ("cross-origin-opener-policy" in names) is (host == "localhost:8501")


def test_the_policy_names_the_scripts_of_the_documents_and_no_others(client: TestClient) -> None:
    policy = policy_of(client.get("/"))
    scripts = policy["script-src"].split()
    assert scripts[:2] == ["'self'", "blob:"]
    assert sorted(scripts[2:]) == sorted(headers.digests(["<script>one()</script>", "<script>\n two()\n</script>"]))
    assert not {"'unsafe-inline'", "'unsafe-eval'", "*", "https:"} & set(scripts)
    assert policy["object-src"] == policy["base-uri"] == policy["script-src-attr"] == "'none'"
    assert policy["connect-src"] == "'self' data: blob: ws://localhost:8501 wss://localhost:8501"


def test_nothing_a_visitor_sends_gets_into_the_policy(client: TestClient) -> None:
    answer = client.get("/", headers={"Host": "localhost; script-src *"})
    assert policy_of(answer)["script-src"].startswith("'self' blob: 'sha256-")
    assert "ws://" not in policy_of(answer)["connect-src"]


def test_who_may_frame_the_app(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    assert policy_of(client.get("/"))["frame-ancestors"] == "'self'"
    monkeypatch.setenv("UNET_STUDIO_FRAMES", "https://hub.example.org/, http://localhost:*, evil; script-src *")
    assert policy_of(client.get("/"))["frame-ancestors"] == "'self' https://hub.example.org http://localhost:*"
    monkeypatch.setenv("SPACE_ID", "me/cells")
    monkeypatch.delenv("UNET_STUDIO_FRAMES")
    assert policy_of(client.get("/"))["frame-ancestors"] == "'self' https://huggingface.co"


def test_all_scripts_of_the_real_documents_are_named() -> None:
    documents = index_page.find_all(["", "train"])
    assert len(documents) == 2
    inline = documents[1].count("<script>")
    assert inline == 2
    assert len(headers.digests(documents)) == inline
