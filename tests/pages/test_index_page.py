"""Each page's document says where the server is, below any base path and behind any proxy."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from pages.server.delivery import index_page

PAGES = ["", "data", "train"]


@pytest.mark.parametrize(
    ("base", "paths"), [("", ["/", "/data", "/train"]), ("a/b", ["/a/b/", "/a/b/data", "/a/b/train"])]
)
def test_every_page_has_the_document_with_our_title(base: str, paths: list[str]) -> None:
    routes = index_page.routes(PAGES, base)
    assert [route.path for route in routes] == paths
    client = TestClient(Starlette(routes=routes))
    for path in paths:
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.text.count("<title>UNet Studio</title>") == 1
        assert answer.text.index("BACKEND_BASE_URL") < answer.text.index('type="module"')
        assert 'lang="en"' in answer.text


def test_without_streamlits_document_there_is_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_page, "find_document", lambda: None)
    assert index_page.routes(PAGES) == []
    monkeypatch.setattr(index_page, "find_document", lambda: "<title>Another</title>")
    assert index_page.routes(PAGES) == []
