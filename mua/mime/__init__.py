"""Bytes to data and data to bytes, pure: no I/O, no clock."""
