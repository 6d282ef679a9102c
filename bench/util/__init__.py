"""Helpers that know nothing of benchmarks: files, paths, text, processes."""
