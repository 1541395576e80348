"""The table and the JSON file that every benchmark ends with."""

import json
import platform
from pathlib import Path
from typing import Any


def report(name: str, rows: list[dict[str, Any]], **facts: Any) -> None:
    """Print rows as a table and write them with the machine's facts to benchmarks/results/<name>.json."""
    columns = list(rows[0])
    lines = [columns, *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in lines) for index in range(len(columns))]
    for line in lines:
        print("  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)))
    for key, value in facts.items():
        print(f"{key}: {_text(value)}")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    machine = {"processor": platform.processor() or platform.machine(), "python": platform.python_version()}
    content = {"machine": machine, **facts, "rows": rows}
    (folder / f"{name}.json").write_text(json.dumps(content, indent=1, default=str) + "\n", encoding="utf-8")


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
