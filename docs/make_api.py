"""Write docs/api.md from the docstrings of the public names: `python -m docs.make_api`, or only `--check` it."""

import argparse
import inspect
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import unet_core

PAGE = Path(__file__).parent / "api.md"
HEAD = """# Python API

`from unet_core import ...` gives the names below; only these are promised to stay. They load what they need at first
use: `import unet_core` takes milliseconds and no torch. Made from the docstrings by `python -m docs.make_api`.
"""
SECTIONS = ("Args", "Returns", "Raises", "Yields", "Example")
ORDER = (
    "train", "launch", "load", "evaluate", "export_model", "plan", "open_dataset",
    "Predictor", "Prediction", "Run", "UNet", "ModelConfig", "RunConfig", "UnetError",
)  # fmt: skip


def page() -> str:
    """The whole page as Markdown."""
    names = [*ORDER, *sorted(set(unet_core.__all__) - set(ORDER))]
    contents = " · ".join(f"[`{name}`](#{name.lower()})" for name in names)
    return "\n".join([HEAD, contents, "", *(line for name in names for line in entry(name, getattr(unet_core, name)))])


def entry(name: str, value: Any) -> Iterator[str]:
    """The lines about a function, or about a class and its public members."""
    yield from (f"## {name}", "", "```python", signature(name, value), "```", "", described(value), "")
    if not inspect.isclass(value) or issubclass(value, Exception):
        return
    for key, member in vars(value).items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if key.startswith("_") or not inspect.isfunction(function) or not inspect.getdoc(function):
            continue
        title = f"{name}.{key}" if isinstance(member, property) else signature(f"{name}.{key}", function)
        yield from ("```python", title, "```", "", described(function), "")


def signature(name: str, value: Any) -> str:
    """As it is written in a call, a parameter a line where it is long."""
    if inspect.isclass(value) and issubclass(value, Exception):
        return f"class {name}"
    whole = inspect.signature(value)
    shown = [p.replace(annotation=_text(p.annotation)) for p in whole.parameters.values() if p.name != "self"]
    parameters = [str(p).replace("'", "") if p.default is p.empty else _with_default(p) for p in shown]
    for index, parameter in enumerate(shown):
        if parameter.kind is parameter.KEYWORD_ONLY and (
            index == 0 or shown[index - 1].kind not in (parameter.KEYWORD_ONLY, parameter.VAR_POSITIONAL)
        ):
            parameters.insert(index, "*")
            break
    back = "" if whole.return_annotation is whole.empty else f" -> {_text(whole.return_annotation)}".replace("'", "")
    text = f"{name}({', '.join(parameters)}){back}"
    if len(text) <= 100:
        return text
    return f"{name}(\n" + "".join(f"    {parameter},\n" for parameter in parameters) + f"){back}"


def _text(annotation: Any) -> Any:
    if annotation is inspect.Parameter.empty or isinstance(annotation, str):
        return annotation
    return inspect.formatannotation(annotation).replace("unet_core.", "").replace("pathlib.", "")


def _with_default(parameter: inspect.Parameter) -> str:
    kind = "" if parameter.annotation is parameter.empty else f": {parameter.annotation}".replace("'", "")
    return f"{parameter.name}{kind} = {parameter.default!r}" if kind else f"{parameter.name}={parameter.default!r}"


def described(value: Any) -> str:
    """A docstring in Google's style as Markdown: bold sections, lists, examples as code."""
    lines, out, section = (inspect.getdoc(value) or "").splitlines(), [], ""
    index = 0
    while index < len(lines):
        line = lines[index]
        title = line.rstrip(":")
        if line == f"{title}:" and title in SECTIONS:
            section = title
            out += [f"**{title}**", ""]
            index += 1
            block = []
            while index < len(lines) and (not lines[index] or lines[index].startswith(" ")):
                block.append(lines[index])
                index += 1
            text = textwrap.dedent("\n".join(block)).strip("\n")
            out += ["```python", text, "```"] if section == "Example" else _listed(text)
            out.append("")
            continue
        out.append(line)
        index += 1
    return "\n".join(out).rstrip()


def _listed(text: str) -> list[str]:
    """`name: words` and its indented lines as one item each; other text as it is."""
    items: list[str] = []
    for line in text.splitlines():
        if line.startswith(" ") and items:
            items[-1] += " " + line.strip()
        elif line:
            items.append(line)
    if not all(": " in item.split("`")[0] or ":" in item for item in items):
        return items
    return [f"- `{name.strip('`')}`: {words.strip()}" for name, _, words in (item.partition(":") for item in items)]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 where docs/api.md is old")
    if parser.parse_args().check:
        fresh = PAGE.is_file() and PAGE.read_text(encoding="utf-8") == page()
        if not fresh:
            print("docs/api.md is old: run python -m docs.make_api", file=sys.stderr)
        return int(not fresh)
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
