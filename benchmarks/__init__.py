"""One command a benchmark: prints a table and writes its figures as JSON beside it. Never a timed test."""
