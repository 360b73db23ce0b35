"""``/etc/aliases``: who gets what, and what is never done."""

import pytest

from mua.plan.aliases import MAX_TARGETS, Expanded, expanded, table

FILE = """\
# a comment
postmaster:    root
Root: ann@there.test,
   bob   # no comment: this is how aliases(5) has it
bob: \\bob, "carol@there.test"
"team mates": ann@there.test
self: self, x@there.test
one: two
two: one
list: :include:/etc/list
gone: :include:/nowhere
robot: "|/usr/bin/robot --now"
box: /var/mail/box
both: "|robot", ann@there.test
empty:
void: :include:/etc/void
trash: /dev/null
rest: trash, ann@there.test
"""
HERE = ("host.test", "localhost")


def to(*recipients: str, text: str = FILE) -> Expanded:
    files = {"/etc/list": "# people\ndave@there.test\nbob, |evil\n:include:/etc/list\n", "/etc/void": "# nobody yet\n"}
    return expanded(recipients, table(text), HERE, files.get, lambda one: None if "(" in one else one)


@pytest.mark.parametrize(
    "address, who",
    [
        ("x@elsewhere.test", "x@elsewhere.test"),
        ("root@elsewhere.test", "root@elsewhere.test"),  # not ours
        ("ann@host.test", "ann@host.test"),
        ("ann@localhost", "ann@host.test"),
        ("ann@HOST.test", "ann@host.test"),
        ("BOB@host.test", "bob@host.test carol@there.test"),
        ("self@host.test", "self@host.test x@there.test"),
        ("one@host.test", "one@host.test"),  # two leads back to it
        ("empty@host.test", "empty@host.test"),
    ],
)
def test_names_lead_to_people(address: str, who: str) -> None:
    assert to(address) == Expanded(tuple(who.split()), {})


def test_root_and_those_who_stand_for_it() -> None:
    text = "root: admin@there.test\n"
    for name in ("root", "postmaster", "MAILER-DAEMON"):
        assert to(f"{name}@host.test", text=text).recipients == ("admin@there.test",)


def test_a_name_may_be_quoted_and_hold_blanks() -> None:
    assert table(FILE)["team mates"] == ("ann@there.test",)
    assert table(FILE)["robot"] == ("|/usr/bin/robot --now",)


@pytest.mark.parametrize("name, what", [("robot", "a program"), ("box", "a file"), ("gone", "cannot be read")])
def test_programs_and_files_are_refused_and_said(name: str, what: str) -> None:
    found = to(f"{name}@host.test")
    assert found.recipients == ()
    assert what in found.refused[f"{name}@host.test"]


def test_what_leads_to_nobody_is_said_and_what_is_thrown_away_is_not() -> None:
    found = to("void@host.test", "ann@there.test")
    assert found.recipients == ("ann@there.test",)
    assert "leads to nobody" in found.refused["void@host.test"]
    assert to("trash@host.test") == Expanded((), {})
    assert to("rest@host.test") == Expanded(("ann@there.test",), {})


def test_what_is_good_of_an_alias_goes_and_the_rest_is_said() -> None:
    found = to("both@host.test")
    assert found.recipients == ("ann@there.test",)
    assert "a program" in found.refused["both@host.test"]


def test_a_file_is_included_but_nothing_in_it_is_run() -> None:
    found = to("list@host.test")
    assert found.recipients == ("dave@there.test", "bob@host.test", "carol@there.test")
    assert "a program" in found.refused["list@host.test"]


def test_a_word_that_is_no_address_is_not_repeated() -> None:
    found = to("odd@host.test", text="odd: more, ann@there.test\nmore: secret(0), secret(1)@there.test\n")
    assert found.recipients == ("ann@there.test",)
    [(origin, why)] = found.refused.items()
    assert origin == "odd@host.test"
    assert "more" in why and "secret" not in why


def test_a_bomb_of_aliases_stays_small() -> None:
    """Each name is two of the next: 2 to the 60th without a bound."""
    text = "".join(f"a{n}: a{n + 1}, b{n + 1}\nb{n}: a{n + 1}, b{n + 1}\n" for n in range(60))
    found = to("a0@host.test", text=text)
    assert len(found.recipients) <= 4
    assert all("5.4.6" in why for why in found.refused.values())
    many = ", ".join(f"u{n}@there.test" for n in range(5000))
    found = to("all@host.test", text=f"all: {many}\n")
    assert len(found.recipients) == MAX_TARGETS
    assert "5.4.6" in found.refused["all@host.test"]


@pytest.mark.parametrize(
    "text", ["", ":", '"', 'a: "', '"a": b', "\tb\n", "a b c", "a:::", "a: ,,,", "\0: \0", 'x: "|a\\"b" c']
)
def test_no_file_is_too_strange(text: str) -> None:
    for name in ("a", "x", "\0"):
        to(f"{name}@host.test", text=text)
