"""Runs side by side, and two models on the same images."""
