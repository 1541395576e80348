"""What a user may read, by file and line: strings of the code, help of the commands, texts of components, Markdown."""

import argparse
import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DEFINITIONS = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
COMMENTS = re.compile(r"/\*.*?\*/|(?<![:\"'`])//[^\n]*", re.DOTALL)
LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\\n]|\\.)*\'|`(?:[^`\\]|\\.)*`')
CODE = re.compile(r"^```.*?^```|`[^`\n]*`|\]\([^)\n]*\)|<[^>\n]*>", re.DOTALL | re.MULTILINE)  # of Markdown
NOT_TEXT = re.compile(r"<(script|style)\b.*?</\1>|<!--.*?-->", re.DOTALL)
NAMED = re.compile(r'\b(?:aria-label|title|placeholder|alt|aria-description)="([^"]*)"')


class Text(NamedTuple):
    """A piece of text and the place it comes from."""

    where: str
    text: str


def read_all() -> list[Text]:
    """Everything."""
    return [*python_texts(), *help_texts(), *component_texts(), *markdown_texts()]


def python_texts() -> Iterator[Text]:
    """Of the pages and the core: sentences, labels and the constant parts of f-strings; no docstrings, no keys."""
    for path in _files("pages", "*.py") + _files("unet_core", "*.py"):
        tree = ast.parse(path.read_bytes())
        documentation = {id(node.body[0].value) for node in ast.walk(tree) if _has_docstring(node)}
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str) or id(node) in documentation:
                continue
            if is_readable(node.value):
                yield Text(f"{path.relative_to(ROOT)}:{node.lineno}", node.value)


def help_texts() -> Iterator[Text]:
    """Of every command of the command line."""
    from unet_core.cli.parser import make_parser

    yield from _help_of(make_parser())


def component_texts() -> Iterator[Text]:
    """Of what runs in the browser: string literals, text and labels of the HTML."""
    for path in _files("pages", "*.js") + _files("unet_core", "*.js"):
        code = COMMENTS.sub(_blank, path.read_text(encoding="utf-8"))
        for found in LITERALS.finditer(code):
            if is_readable(found[0][1:-1]):
                yield Text(_place(path, code, found.start()), found[0][1:-1])
    for path in _files("pages", "*.html") + _files("unet_core", "*.html"):
        code = NOT_TEXT.sub(_blank, path.read_text(encoding="utf-8"))
        for found in [*re.finditer(r">([^<>]+)<", code), *NAMED.finditer(code)]:
            if found[1].strip():
                yield Text(_place(path, code, found.start(1)), found[1].strip())


def markdown_texts() -> Iterator[Text]:
    """Of the README and the documentation, line by line, without what is code or the target of a link."""
    names = ("README.md", "CONTRIBUTING.md", "SECURITY.md")
    for path in [*(ROOT / name for name in names), *_files("docs", "*.md")]:
        text = CODE.sub(_blank, path.read_text(encoding="utf-8"))
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip():
                yield Text(f"{path.relative_to(ROOT)}:{number}", line)


def is_readable(value: str) -> bool:
    """Whether a string is a sentence or a label, and no key, name of a file, selector or piece of code.

    >>> [text for text in ("Draw", "the net", "net", "--runs-dir", "a.png", "width: 3px;") if is_readable(text)]
    ['Draw', 'the net']
    """
    if not re.search(r"[A-Za-z]{2}", value) or re.search(r"^[.#\[]|[{};=]\s*$|^\s*<", value):
        return False
    return bool(
        re.search(r"[A-Za-z,.:)]\s+[A-Za-z(]", value) or re.match(r"[A-Z][a-z]", value) or value != value.strip()
    )


def _files(folder: str, pattern: str) -> list[Path]:
    return sorted((ROOT / folder).rglob(pattern))


def _has_docstring(node: ast.AST) -> bool:
    return isinstance(node, DEFINITIONS) and ast.get_docstring(node, clean=False) is not None


def _help_of(parser: argparse.ArgumentParser) -> Iterator[Text]:
    yield Text(f"{parser.prog} --help", re.sub(r"(?<=\w-)\s+", "", parser.format_help()))  # broken at a hyphen
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for command in dict.fromkeys(action.choices.values()):
                yield from _help_of(command)


def _place(path: Path, text: str, position: int) -> str:
    return f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, position) + 1}"


def _blank(found: re.Match[str]) -> str:
    """As many lines of nothing, so that the numbers of the lines after it stay."""
    return "\n" * found[0].count("\n") or " "
