"""Our dataclasses beside the standard's: whatever a program can see of them is the same."""

import copy
import dataclasses
import importlib
import pickle
import pkgutil

import pytest

import mua
from mua.records import OFTEN, dataclass


@dataclass(frozen=True, slots=True)
class Ours:
    one: int
    two: str = "b"
    secret: str = dataclasses.field(default="", repr=False)
    more: dict[str, int] = dataclasses.field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Frequent:
    """There have been many of these: its ``__init__`` is another."""

    one: int
    two: str = "b"
    secret: str = dataclasses.field(default="", repr=False)
    more: dict[str, int] = dataclasses.field(default_factory=dict)


for number in range(OFTEN):
    Frequent(number)


@dataclasses.dataclass(frozen=True, slots=True)
class Theirs:
    one: int
    two: str = "b"
    secret: str = dataclasses.field(default="", repr=False)
    more: dict[str, int] = dataclasses.field(default_factory=dict)


CALLS = [
    ((1,), {}),
    ((1, "x", "y", {"z": 1}), {}),
    ((1,), {"secret": "s"}),
    ((), {"two": "x", "one": 1}),
    ((), {}),
    ((1, "x", "y", {}, 5), {}),
    ((1, "x", "y", {}), {"one": 2}),
    ((1,), {"one": 2}),
    ((1,), {"unknown": 2}),
]


@pytest.mark.parametrize("kind", [Ours, Frequent])
@pytest.mark.parametrize(("given", "named"), CALLS)
def test_made_as_the_standard_makes_them(kind, given, named):
    try:
        theirs = Theirs(*given, **named)
    except TypeError:
        with pytest.raises(TypeError):
            kind(*given, **named)
        return
    ours = kind(*given, **named)
    assert dataclasses.asdict(ours) == dataclasses.asdict(theirs)
    assert repr(ours) == repr(theirs).replace("Theirs", kind.__name__)


def test_one_that_is_made_often_has_an_init_of_its_own():
    assert (
        Ours.__init__.__code__.co_varnames[:3] != Frequent.__init__.__code__.co_varnames[:3] == ("self", "one", "two")
    )
    assert Frequent(1).more is not Frequent(1).more


def test_compared_and_hashed_by_value():
    assert Ours(1) == Ours(1) != Ours(2)
    assert Ours(1) != Theirs(1)
    assert Ours(1) != (1, "b", "", {})

    @dataclass(frozen=True, slots=True)
    class Pair:
        one: int
        two: int

    assert len({Pair(1, 2), Pair(1, 2), Pair(2, 1)}) == 2
    with pytest.raises(TypeError):
        hash(Ours(1))  # a dict is in it


def test_frozen_and_slotted():
    ours = Ours(1)
    for change in (lambda: setattr(ours, "one", 2), lambda: setattr(ours, "new", 2), lambda: delattr(ours, "one")):
        with pytest.raises(dataclasses.FrozenInstanceError):
            change()
    assert not hasattr(ours, "__dict__")
    assert ours.one == 1


def test_each_has_a_default_of_its_own():
    assert Ours(1).more is not Ours(1).more


def test_replace_match_copy_and_pickle():
    ours = dataclasses.replace(Ours(1), two="x")
    match ours:
        case Ours(1, two="x"):
            pass
        case _:
            pytest.fail("does not match")
    assert copy.copy(ours) == copy.deepcopy(ours) == pickle.loads(pickle.dumps(ours)) == ours


def test_nothing_here_asks_for_what_it_cannot_do():
    """A class with ``__post_init__`` or a parent would silently get less than from the standard's."""
    for found in pkgutil.walk_packages(mua.__path__, "mua."):
        if found.name.startswith(("mua.gui", "mua.__main__")):
            continue
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type) and getattr(kind.__init__, "__module__", "") == "mua.records":
                assert kind.__bases__ == (object,)
                assert not hasattr(kind, "__post_init__")
