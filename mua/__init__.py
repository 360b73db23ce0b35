"""Mua: a desktop email client.  See docs/architecture.md for the ten-minute tour."""

__version__ = "0.1.0"
