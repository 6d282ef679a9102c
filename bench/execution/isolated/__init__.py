"""Plugins in environments of their own, so that plugins whose requirements conflict can appear on one board."""
