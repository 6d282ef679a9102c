"""Classifiers whose weights ship with the package, so that rows of different machines are scored by the same judge."""
