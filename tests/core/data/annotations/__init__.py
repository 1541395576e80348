"""Tests of the readers of annotations."""
