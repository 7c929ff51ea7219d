"""Benchmarks: scripts that measure and print, ``python -m benchmarks.<name>``."""
