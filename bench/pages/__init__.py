"""Boards as pages for a browser: each is one HTML file that makes no request."""

from bench.pages.write import write_pages

__all__ = ["write_pages"]
