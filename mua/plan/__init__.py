"""Decisions, pure: no I/O and no clock; ``now`` (UTC seconds) and ``lot`` (0..1) come in as arguments."""
