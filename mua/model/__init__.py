"""Data only: frozen, slotted dataclasses that every floor may share.  No behaviour beyond trivial derivations."""
