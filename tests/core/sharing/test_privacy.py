"""Paths, names of user and host, and tokens are found in every kind of file, and ordinary words are not."""

import json
from pathlib import Path

import pytest

from unet_core.sharing import privacy
from unet_core.sharing.privacy import Leak, find_leaks


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "_names", lambda: [("anna", privacy.USER), ("lab-pc7", privacy.HOST)])
    for name in privacy.TOKENS:
        monkeypatch.delenv(name, raising=False)


def kinds(name: str, data: bytes, **more: object) -> set[str]:
    return {leak.kind for leak in find_leaks({name: data}, **more)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "/home/anna/data",
        "see /Users/bob/x.png",
        "C:\\Users\\bob",
        '{"root": "/mnt/disk/cells"}',
        "`/tmp/x`",
        "(/data/a)",
    ],
)
def test_paths_are_found(text: str) -> None:
    assert privacy.LOCAL_PATH in kinds("a.txt", text.encode())


@pytest.mark.parametrize(
    "text",
    ["https://huggingface.co/data/x", "and/or", "1/2", "planning data/model", "banana annals", "text/plain", "(H, W)"],
)
def test_ordinary_words_are_not(text: str) -> None:
    assert kinds("a.md", text.encode()) == set()


@pytest.mark.parametrize("name", ["a.json", "a.md", "events.bin", "curves.png"])
@pytest.mark.parametrize("text", ["by anna", "ANNA", "on lab-pc7.local", "anna@example.org"])
def test_names_are_found_as_words(name: str, text: str) -> None:
    assert kinds(name, text.encode()) <= {privacy.USER, privacy.HOST} != set()
    assert kinds(name, text.encode())


def test_a_name_is_found_in_the_name_of_a_file() -> None:
    assert kinds("runs/events.lab-pc7.1", b"\0") == {privacy.HOST}


def test_markup_hides_nothing() -> None:
    assert kinds("README.md", rb"hf\_abcdefghijklmnop1234 and /home/x\_y/z") == {
        privacy.ACCESS_TOKEN,
        privacy.LOCAL_PATH,
    }


def test_letters_written_by_number_hide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(privacy, "_names", lambda: [("zoë", privacy.USER)])
    assert kinds("a.json", json.dumps({"by": "zoë"}).encode()) == {privacy.USER}


def test_tokens_are_found_and_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret-value-1")
    for text in ("hf_abcdefghijklmnop1234", "x secret-value-1 y", "my-own-token"):
        leaks = find_leaks({"a.txt": text.encode()}, tokens=["my-own-token"])
        assert leaks == [Leak("a.txt", privacy.ACCESS_TOKEN)]
        assert not leaks[0].can_be_allowed and text not in str(leaks[0])


def test_of_weights_the_header_alone_is_read() -> None:
    header = json.dumps({"__metadata__": {"from": "/home/anna/x"}}).encode()
    data = len(header).to_bytes(8, "little") + header
    assert privacy.LOCAL_PATH in kinds("model.safetensors", data)
    numbers = (2).to_bytes(8, "little") + b"{}" + b" anna /home/anna/x "
    assert kinds("model.safetensors", numbers) == set()


def test_own_folders_are_found_wherever_they_are(tmp_path: Path) -> None:
    assert kinds("a.csv", b"in /odd/place/cells now", folders=["/odd/place/cells"]) == {privacy.LOCAL_PATH}
    assert kinds("a.csv", b"in /odd/place/cells2", folders=["/odd/place/cells"]) == set()


def test_allowed_names_are_no_leak_but_paths_and_tokens_stay() -> None:
    files = {"README.md": b"load anna/cells by Anna, /home/anna/x"}
    assert [leak.kind for leak in find_leaks(files, allowed=["anna"])] == [privacy.LOCAL_PATH]
    assert [leak.kind for leak in find_leaks({"README.md": b"load anna/cells"}, allowed=["anna/cells"])] == []


@pytest.mark.parametrize("name", ["root", "user", "ab"])
def test_names_that_say_nothing_are_passed_over(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(privacy, "_names", lambda: [(name, privacy.USER)])
    assert kinds("config.json", json.dumps({name: 1}).encode()) == set()
