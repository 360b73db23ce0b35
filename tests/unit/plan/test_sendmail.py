"""How programs call sendmail."""

import pytest

from mua.errors import UsageError
from mua.plan.sendmail import Call, Mode, call


@pytest.mark.parametrize(
    "words, meant",
    [
        ("-t -i", Call(from_header=True, dots=False)),  # PHP, git, logwatch
        ("-i -t", Call(from_header=True, dots=False)),
        ("-ti", Call(from_header=True, dots=False)),
        ("-FCronDaemon -i -odi -oem -oi -t -f root", Call(
            from_header=True, dots=False, sender="root", full_name="CronDaemon")),  # cron
        ("-i -FCronDaemon -B8BITMIME -oem root", Call(recipients=("root",), dots=False, full_name="CronDaemon")),
        ("-oi -fann@example.org -- bob@example.net -x", Call(
            recipients=("bob@example.net", "-x"), dots=False, sender="ann@example.org")),  # mutt
        ("-f <> bob", Call(recipients=("bob",), sender="")),
        ("-f <ann@example.org> bob", Call(recipients=("bob",), sender="ann@example.org")),
        ("-rann bob", Call(recipients=("bob",), sender="ann")),
        ("-N failure,delay -R hdrs -V id -O IgnoreDots=true bob", Call(recipients=("bob",), dots=False)),
        ("-N never bob", Call(recipients=("bob",), notify=())),
        ("-Nsuccess,Delay bob", Call(recipients=("bob",), notify=("success", "delay"))),
        ("-v -n -m -U -G -L tag -X /dev/null -d0.1 -h 3 -A c -C /x -p smtp bob", Call(recipients=("bob",))),
        ("bob carol -f dave", Call(recipients=("bob", "carol", "-f", "dave"))),  # options come first
        ("-bm bob", Call(recipients=("bob",))),
        ("-bp", Call(Mode.LIST)),
        ("-bs", Call(Mode.SESSION)),
        ("-bi", Call(Mode.ALIASES)),
        ("-I", Call(Mode.ALIASES)),
        ("-q", Call(flush=True)),
        ("-q15m", Call(flush=True)),
    ],
)  # fmt: skip
def test_what_programs_mean(words: str, meant: Call) -> None:
    assert call("sendmail", words.split()) == meant


def test_an_empty_sender_is_a_word_of_its_own() -> None:
    assert call("sendmail", ["-f", "", "bob"]).sender == ""


def test_names_are_modes() -> None:
    assert call("mailq", []).mode is Mode.LIST
    assert call("newaliases", []).mode is Mode.ALIASES


@pytest.mark.parametrize("words", ["-bd", "-bv bob", "-bt", "-bh", "-f", "-N sometimes bob", "-y", "--help", "-Z"])
def test_what_mua_does_not_do_is_refused(words: str) -> None:
    with pytest.raises(UsageError):
        call("sendmail", words.split())
