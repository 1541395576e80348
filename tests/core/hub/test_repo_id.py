"""Names of models of the Hub: what people paste is understood, everything else is refused before anything is asked."""

import pytest

from unet_core.errors import HubError
from unet_core.hub.repo_id import Reference, address_of_hub, is_address, parse


@pytest.mark.parametrize(
    ("name", "repo", "revision"),
    [
        ("org/net", "org/net", ""),
        ("  org/net\n", "org/net", ""),
        ("org/net@v1", "org/net", "v1"),
        ("org/net@", "org/net", ""),
        ("hf:org/net", "org/net", ""),
        ("hf:org/net@refs/pr/1", "org/net", "refs/pr/1"),
        ("hf://org/net", "org/net", ""),
        ("https://huggingface.co/org/net", "org/net", ""),
        ("https://huggingface.co/org/net/", "org/net", ""),
        ("http://www.huggingface.co/org/net?x=1#top", "org/net", ""),
        ("https://hf.co/org/net/tree/v1", "org/net", "v1"),
        ("huggingface.co/org/net/blob/main/config.json", "org/net", "main"),
        ("http://hub.example/org/net/resolve/v2/a", "org/net", "v2"),
        ("O-r_g1/n.e-t_", "O-r_g1/n.e-t_", ""),
    ],
)
def test_what_names_a_model(name: str, repo: str, revision: str) -> None:
    assert parse(name, "http://hub.example/") == Reference(repo, revision)


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            "net",
            "../x",
            "a/../b",
            "org/..",
            "/etc/passwd",
            "a/b/c",
            "org/ne t",
            "org/net\0",
            "org/net\nx",
            "a--b/c",
        ),
        *(
            "a/b.git",
            "-a/b",
            "a/b.",
            ".a/b",
            "a/b@../x",
            "a/b@-x",
            "a/b@v 1",
            f"a/{'b' * 96}",
            "ä/b",
            "a/b%2f..",
        ),
        *("https://evil.example/org/net", "http://huggingface.co.evil.example/a/b", "https://huggingface.co@evil/a/b"),
        *(
            "https://huggingface.co/org",
            "https://huggingface.co/../../x",
            "https://huggingface.co/%2e%2e/x",
            "ftp://a/b",
        ),
        *("https://huggingface.co/datasets/a/b", "https://huggingface.co/spaces/a/b", "file:///etc/passwd", "C:\\a/b"),
    ],
)
def test_what_names_none(name: str) -> None:
    with pytest.raises(HubError):
        parse(name)


def test_a_reference_has_a_folder_name_of_its_own() -> None:
    references = [Reference("a/b"), Reference("a/b", "v1"), Reference("a/b", "x/y"), Reference("a/b-c")]
    names = [reference.folder_name for reference in references]
    assert names == ["a--b", "a--b@v1", "a--b@x~y", "a--b-c"]
    assert [str(reference) for reference in references[:2]] == ["a/b", "a/b@v1"]


def test_the_address_of_the_hub_is_read_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    assert address_of_hub(None) == "https://huggingface.co"
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror/")
    assert address_of_hub(None) == "http://mirror"
    assert address_of_hub("http://given") == "http://given"
    assert parse("http://mirror/a/b") == Reference("a/b")


def test_only_an_address_is_surely_of_the_hub() -> None:
    assert all(map(is_address, ("hf:a/b", "https://huggingface.co/a/b", "http://x", "hf.co/a/b")))
    assert not any(map(is_address, ("a/b", "runs/x", "20261120-run", "./a")))
