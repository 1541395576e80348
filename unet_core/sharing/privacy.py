"""What must not leave the machine: paths, names of user and host, tokens, looked for in every file before an upload."""

import getpass
import json
import os
import re
import socket
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

SHORTEST_NAME = 3  # letters; shorter names of users and hosts stand in any text
GENERIC = {"root", "user", "users", "admin", "home", "ubuntu", "debian", "app", "runner", "localhost", "local", "test"}
TOKEN = re.compile(rb"(?<![A-Za-z0-9])(hf|api_org)_[A-Za-z0-9]{16,}")
PATH = re.compile(
    rb"(?<![\w.:/])(?:/(?:home|Users|root|mnt|media|tmp|var|srv|opt|data|work|scratch)/|[A-Za-z]:\\)[^\s\"'`|)\],;]+"
)
TOKENS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_TOKEN")


@dataclass(frozen=True)
class Leak:
    """Something private in a file: its name, of what kind it is, and the text, which is empty for a token."""

    file: str
    kind: str
    text: str = ""

    @property
    def can_be_allowed(self) -> bool:
        """Whether the user may say that it is no secret: a name may be, a path or a token never."""
        return self.kind in (USER, HOST)

    def __str__(self) -> str:
        return f"{self.file}: {self.kind}" + (f" ({self.text})" if self.text else "")


USER, HOST, LOCAL_PATH, ACCESS_TOKEN = "the user name", "the host name", "a path of this machine", "an access token"


def find_leaks(
    files: Mapping[str, bytes],
    folders: Iterable[str | Path] = (),
    tokens: Iterable[str] = (),
    allowed: Collection[str] = (),
    stock: Collection[str] = (),
) -> list[Leak]:
    """What is private in files, each thing once a file.

    Args:
        files: content by name; of weights the header alone is text. Their names are searched, too.
        folders: paths that may not appear, beside the home and the current folder.
        tokens: secrets that may not appear, beside those of the environment and whatever looks like one.
        allowed: texts that are no secret, such as the repository's name; where they appear nothing is looked for.
        stock: names of files that came with UNet Studio. Their examples hold paths and words that mean nobody, so that
            only the tokens and folders of this machine are looked for.

    >>> [str(leak) for leak in find_leaks({"a.txt": b"see /home/anna/data and hf_abcdefghijklmnop1234"})]
    ['a.txt: an access token', 'a.txt: a path of this machine (/home/anna/data)']
    """
    secrets = {token for token in (*tokens, *(os.environ.get(name, "") for name in TOKENS)) if len(token) >= 8}
    paths = {str(path) for path in (*folders, Path.home(), Path.cwd()) if len(Path(path).parts) > 1}
    names = {(name, kind) for name, kind in _names() if name.lower() not in GENERIC and len(name) >= SHORTEST_NAME}
    leaks: list[Leak] = []
    for file, data in files.items():
        text = file.encode(errors="replace") + b"\n" + _text_of(file, data)
        is_stock = file in stock
        if (TOKEN.search(text) and not is_stock) or any(secret.encode() in text for secret in secrets):
            leaks.append(Leak(file, ACCESS_TOKEN))
        found = {path for path in paths if _has_path(text, path)}
        if is_stock:
            leaks += [Leak(file, LOCAL_PATH, path) for path in sorted(found) if len(Path(path).parts) > 2]
            continue
        found |= {match.group().decode(errors="replace") for match in PATH.finditer(text)}
        # The longest says it all: /home/anna/data, not /home/anna beside it.
        leaks += [
            Leak(file, LOCAL_PATH, path)
            for path in sorted(found)
            if not any(other != path and other.startswith(path) for other in found)
        ]
        for word in sorted(allowed, key=len, reverse=True):
            text = re.sub(re.escape(word).encode(), b" ", text, flags=re.IGNORECASE) if word else text
        leaks += [Leak(file, kind, name) for name, kind in sorted(names) if _has_word(text, name)]
    return leaks


def _names() -> Iterable[tuple[str, str]]:
    with suppress(OSError, KeyError, ImportError):
        yield getpass.getuser(), USER
    yield Path.home().name, USER
    host = socket.gethostname()
    yield host, HOST
    yield host.partition(".")[0], HOST


def _text_of(file: str, data: bytes) -> bytes:
    """What can be read in a file: all of it, of weights the header (numbers hold any short word by chance)."""
    if file.endswith(".safetensors"):
        data = data[8 : 8 + int.from_bytes(data[:8], "little")]
    if file.endswith(".md"):
        return re.sub(rb"\\([^A-Za-z0-9\s])", rb"\1", data)  # a backslash before markup would hide a path or a token
    if file.endswith(".json"):
        with suppress(ValueError):
            return json.dumps(json.loads(data), ensure_ascii=False).encode(errors="replace")  # \u00eb as the letter
    return data


def _has_path(text: bytes, path: str) -> bool:
    return re.search(rb"(?<![\w/])" + re.escape(path).encode(errors="surrogateescape") + rb"(?![\w])", text) is not None


def _has_word(text: bytes, word: str) -> bool:
    return (
        re.search(
            rb"(?<![A-Za-z0-9])" + re.escape(word).encode(errors="replace") + rb"(?![A-Za-z0-9])", text, re.IGNORECASE
        )
        is not None
    )
