"""A Dockerfile and a .dockerignore as the builder reads them; what ours have no use for is refused, not guessed."""

import fnmatch
import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
KNOWN = {"FROM", "RUN", "WORKDIR", "COPY", "ENV", "USER", "EXPOSE", "HEALTHCHECK", "ENTRYPOINT", "CMD"}


@dataclass
class Image:
    """What a Dockerfile makes: its `steps` in order, and the settings of the container."""

    base: str = ""
    steps: list[tuple[str, str, str]] = field(default_factory=list)  # RUN or COPY, its text, the working directory
    environment: dict[str, str] = field(default_factory=dict)
    user: str = "root"
    folder: str = "/"
    ports: list[int] = field(default_factory=list)
    health: list[str] = field(default_factory=list)
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)


def instructions(text: str) -> Iterator[tuple[str, str]]:
    """(name, rest) of each instruction, its continued lines joined."""
    lines = [line for line in text.splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    for line in filter(None, map(str.strip, joined.splitlines())):
        name, _, rest = line.partition(" ")
        assert name in KNOWN, f"unknown instruction {name}"
        yield name, rest.strip()


def read_image(text: str) -> Image:
    image = Image()
    for name, rest in instructions(text):
        if name == "FROM":
            assert not image.base, "one stage only"
            image.base = rest
        elif name in ("RUN", "COPY"):
            assert not rest.startswith(("--", "[")), "flags and lists are not read"
            image.steps.append((name, rest, image.folder))
        elif name == "ENV":
            for part in shlex.split(rest):
                key, equals, value = part.partition("=")
                assert equals, f"ENV {part}"
                image.environment[key] = value
        elif name == "WORKDIR":
            assert rest.startswith("/")
            image.folder = rest
        elif name == "USER":
            image.user = rest
        elif name == "EXPOSE":
            image.ports.append(int(rest))
        elif name == "HEALTHCHECK":
            image.health = json.loads(rest.partition("CMD ")[2])
        elif name == "ENTRYPOINT":
            image.entrypoint = json.loads(rest)
        else:
            image.command = json.loads(rest)
    return image


def context_files(folder: Path, ignore: str) -> list[str]:
    """The files of a folder that the builder gets, by the rules of its .dockerignore: the last that fits counts."""
    rules = [line.strip() for line in ignore.splitlines() if line.strip() and not line.startswith("#")]
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(path for path in paths if not _is_left_out(path, rules))


def _is_left_out(path: str, rules: list[str]) -> bool:
    left_out = False
    parts = path.split("/")
    starts = ["/".join(parts[:count]) for count in range(1, len(parts) + 1)]
    for rule in rules:
        pattern = rule.removeprefix("!").strip("/")
        if pattern.startswith("**/"):
            fits = any(fnmatch.fnmatchcase(part, pattern[3:]) for part in parts)
        else:  # no star of ours spans a slash
            fits = any(
                start.count("/") == pattern.count("/") and fnmatch.fnmatchcase(start, pattern) for start in starts
            )
        if fits:
            left_out = not rule.startswith("!")
    return left_out
