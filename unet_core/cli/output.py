"""Progress for a person, on stderr: stdout is for the one JSON object at the end."""

import sys


def tell(line: str) -> None:
    """One line; what the terminal cannot show of a file's name is escaped."""
    print(line, file=sys.stderr, flush=True)
