"""Plugins in environments of their own, so that plugins whose requirements conflict stand on one board."""
