"""An act on very many messages is on screen at once, whatever the engine has done of it; and taken back or refused."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from gui_mail import Mail

from mua import wire
from mua.errors import Kind, MailError, Retry
from mua.gui import acting
from mua.gui.app import Program
from mua.gui.places import Place
from mua.model.message import MessageId
from mua.store import write


class Engine:
    """Is asked, and answers later."""

    def __init__(self) -> None:
        self.commands: list[wire.Command] = []
        self.answers: list[Callable[[wire.Answer], object]] = []
        self.refuse: Callable[[MailError], object] | None = None

    def ask(
        self,
        command: wire.Command,
        then: Callable[[wire.Answer], object] = lambda _: None,
        failed: Callable[[MailError], object] | None = None,
    ) -> None:
        self.commands.append(command)
        self.answers.append(then)
        self.refuse = failed


@pytest.fixture
def engine(program: Program, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setattr(acting, "LARGE", 3)
    made = Engine()
    monkeypatch.setattr(program.desk.acting, "_client", made)
    return made


def listed(program: Program) -> list[MessageId]:
    model = program.window.listing.model
    return [one for row in range(len(model.rows)) if (one := model.id_at(row)) is not None]


def tell(program: Program, *events: wire.Event) -> None:
    for event in events:
        program.desk.hearing.hear(event)
    program.desk.hearing.refresh()


@pytest.mark.parametrize("grouped", [False, True])
def test_what_leaves_is_gone_at_once_and_stays_gone_while_the_engine_works(
    program: Program, mail: Mail, engine: Engine, grouped: bool
) -> None:
    program.desk.group(grouped)
    every = listed(program)
    gone, rest = every[:5], every[5:]
    program.desk.acting.archive(gone)
    assert listed(program) == rest
    with mail.store.write() as tx:
        write.wish_move(tx, gone[:2], mail.folders["Archive"], 1)
    tell(program, wire.Changed(1, messages=tuple(gone[:2])), wire.Progress(1, "acted", 2, 5))
    assert listed(program) == rest
    tell(program, wire.Changed(2, everything=True))
    assert listed(program) == rest
    program.desk.show_place(Place(folder=mail.folders["Archive"]))
    assert set(gone[:2]) <= set(listed(program))
    program.desk.show_place(Place(folder=mail.folders["INBOX"]))
    assert listed(program) == rest
    with mail.store.write() as tx:
        write.wish_move(tx, gone[2:], mail.folders["Archive"], 1)
    tell(program, wire.Changed(3, messages=tuple(gone)), wire.Progress(1, "acted", 5, 5))
    assert listed(program) == rest


def test_what_is_refused_or_stopped_is_listed_again(program: Program, engine: Engine) -> None:
    every = listed(program)
    program.desk.acting.delete(every[:6])
    assert listed(program) == every[6:]
    assert engine.refuse is not None
    engine.refuse(MailError(Kind.FOLDER, Retry.NEVER, "No.", code="no"))
    assert listed(program) == every
    program.desk.acting.delete(every[:6])
    program.window.actions_["stop_act"].trigger()
    assert engine.commands[-1] == wire.StopActs()
    tell(program, wire.Progress(1, "acted", 6, 6))
    assert listed(program) == every


def test_what_is_taken_back_before_it_is_answered_is_taken_back_then_and_nothing_later(
    program: Program, engine: Engine
) -> None:
    acting, every = program.desk.acting, listed(program)
    for one in every[:2]:
        acting.archive([one])
    acting.undo()
    acting.undo()
    assert len(engine.commands) == 2
    for number, answer in enumerate(engine.answers[:], start=1):
        answer(wire.Acted(number, "Archived", ()))
    assert engine.commands[2:] == [wire.Undo(2), wire.Undo(1)]
    acting.archive([every[2]])
    engine.answers[-1](wire.Acted(3, "Archived", ()))
    assert engine.commands[-1] == wire.ArchiveMessages((every[2],))


def test_flags_of_many_take_nothing_out(program: Program, engine: Engine) -> None:
    every = listed(program)
    program.desk.acting.tag(every, add=("$label1",))
    assert listed(program) == every


def test_the_archive_has_years_where_that_is_chosen(program: Program, engine: Engine) -> None:
    one = listed(program)[0]
    program.desk.acting.archive([one])
    program.desk.change_preferences(replace(program.desk.preferences, archive_years=True))
    program.desk.acting.archive([one])
    assert engine.commands == [wire.ArchiveMessages((one,)), wire.ArchiveMessages((one,), years=True)]
