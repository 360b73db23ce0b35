"""Frozen dataclasses as JSON and back: for the wire, and for what is kept as text.

Rule of the file: what comes in is believed in nothing but its shape; what has another one raises ValueError.
"""

import dataclasses
import enum
import types
import typing
from functools import cache
from typing import Any, TypeVar

_PATHS = ("file", "path", "ca_file", "client_cert")  # fields that name a file, in whatever class
T = TypeVar("T")


def to_json(data: Any) -> dict[str, Any]:
    """A frozen dataclass (nested, with enums and tuples) as JSON-ready data; defaults are left out."""
    out: dict[str, Any] = {}
    for one in dataclasses.fields(data):
        value = getattr(data, one.name)
        if one.default is dataclasses.MISSING or value != one.default:
            out[one.name] = _plain(value)
    return out


def from_json(kind: type[T], data: dict[str, Any]) -> T:
    """The reverse; unknown keys are ignored, missing ones take their defaults, wrong shapes raise ValueError."""
    hints: dict[str, Any] = _hints(typing.cast(Any, kind))
    try:
        given = {name: typed(hints[name], data[name]) for name in hints if name in data}
        if any("\0" in given.get(name, "") for name in _PATHS):
            raise ValueError("a path holds NUL")
        return kind(**given)
    except (TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"bad {kind.__name__}: {error}") from error


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_json(value)
    if isinstance(value, tuple | list):
        return [_plain(one) for one in value]
    return value


def typed(hint: Any, value: Any) -> Any:
    """A value out of JSON as what the annotation ``hint`` says, or ValueError."""
    hint = getattr(hint, "__supertype__", hint)
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None:
            return None
        return typed(next(one for one in typing.get_args(hint) if one is not type(None)), value)
    if origin is tuple:
        inner = typing.get_args(hint)
        if len(inner) == 2 and inner[1] is Ellipsis:
            return tuple(typed(inner[0], one) for one in value)
        return tuple(typed(kind, one) for kind, one in zip(inner, value, strict=True))
    if dataclasses.is_dataclass(hint):
        return from_json(hint, value)  # type: ignore[arg-type]
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return hint(value)
    if hint in (int, str, bool, float) and type(value) is not hint:
        raise ValueError(f"expected {hint.__name__}, got {type(value).__name__}")
    if hint is int and not -(1 << 63) <= value < 1 << 63:
        raise ValueError("a number of more than 64 bits")
    return value
