"""Roles: marks before names, one folder a role, the same answer whatever the order."""

import random

import pytest

from mua.model.folder import Role
from mua.model.message import Flag
from mua.plan.roles import Candidate, assign_roles, flags_of_way


@pytest.mark.parametrize(
    "source, target, flags",
    [
        (Role.INBOX, Role.JUNK, (Flag.JUNK, Flag.NOT_JUNK)),
        (Role.JUNK, Role.INBOX, (Flag.NOT_JUNK, Flag.JUNK)),
        (Role.JUNK, Role.NONE, (Flag.NOT_JUNK, Flag.JUNK)),
        (Role.JUNK, Role.TRASH, (Flag(0), Flag(0))),
        (Role.JUNK, Role.JUNK, (Flag(0), Flag(0))),
        (Role.INBOX, Role.ARCHIVE, (Flag(0), Flag(0))),
    ],
)
def test_the_way_into_junk_and_out_of_it_teaches_the_server(source, target, flags):
    assert flags_of_way(source, target) == flags


def marked(name: str, *marks: str, delimiter: str = "/") -> Candidate:
    return Candidate(name, delimiter, frozenset(marks))


def test_marks_win_over_names():
    folders = [marked("Sent"), marked("Gesendete Objekte", "\\sent"), marked("INBOX"), marked("Trash", "\\junk")]
    assert assign_roles(folders) == {"Gesendete Objekte": Role.SENT, "INBOX": Role.INBOX, "Trash": Role.JUNK}


def test_gmail():
    folders = [
        marked("INBOX"),
        marked("[Gmail]/Alle Nachrichten", "\\all"),
        marked("[Gmail]/Entwürfe", "\\drafts"),
        marked("[Gmail]/Papierkorb", "\\trash"),
        marked("[Gmail]/Markiert", "\\flagged"),
        Candidate("[Gmail]", "/", frozenset({"\\noselect"}), selectable=False),
    ]
    roles = assign_roles(folders)
    assert roles["[Gmail]/Alle Nachrichten"] is Role.ALL
    assert roles["[Gmail]/Papierkorb"] is Role.TRASH
    assert "[Gmail]/Markiert" not in roles
    assert "[Gmail]" not in roles


@pytest.mark.parametrize(
    "name, role",
    [
        ("Sent Items", Role.SENT),
        ("SENT", Role.SENT),
        ("Entwürfe", Role.DRAFTS),
        ("Entwu\u0308rfe", Role.DRAFTS),  # decomposed
        ("Corbeille", Role.TRASH),
        ("Éléments envoyés", Role.SENT),
        ("Papelera", Role.TRASH),
        ("Posta inviata", Role.SENT),
        ("Lixeira", Role.TRASH),
        ("Prullenbak", Role.TRASH),
        ("Kosz", Role.TRASH),
        ("Отправленные", Role.SENT),
        ("Надіслані", Role.SENT),
        ("Skräppost", Role.JUNK),
        ("Roskaposti", Role.JUNK),
        ("Odeslaná pošta", Role.SENT),
        ("Gelen Kutusu", None),
        ("ゴミ箱", Role.TRASH),
        ("已发送", Role.SENT),
        ("휴지통", Role.TRASH),
        ("INBOX.Drafts", Role.DRAFTS),
        ("Projects.Old.Drafts", None),
    ],
)
def test_names_in_many_languages(name, role):
    assert assign_roles([Candidate(name, ".")]).get(name) is role


def test_one_folder_a_role_and_no_dependence_on_order():
    folders = [Candidate(name) for name in ("Sent", "Sent Items", "Sent Messages", "Work/Sent", "Trash", "Deleted")]
    wanted = {"Sent": Role.SENT, "Trash": Role.TRASH}
    for seed in range(10):
        random.Random(seed).shuffle(folders)
        assert assign_roles(folders) == wanted


def test_a_folder_that_cannot_be_selected_has_no_role():
    assert assign_roles([Candidate("Archive", "/", frozenset({"\\archive"}), selectable=False)]) == {}


def test_what_a_person_chose_comes_before_marks_and_names() -> None:
    folders = [
        Candidate("INBOX"), Candidate("Sent", "/", frozenset({"\\sent"})), Candidate("Versand"), Candidate("Trash"),
        Candidate("Closed", selectable=False),
    ]  # fmt: skip
    roles = assign_roles(folders, [("sent", "Versand")])
    assert roles == {"INBOX": Role.INBOX, "Versand": Role.SENT, "Trash": Role.TRASH}
    usual = assign_roles(folders)
    for nonsense in (
        ("sent", "Gone"),
        ("sent", "Closed"),
        ("sent", "INBOX"),
        ("inbox", "Versand"),
        ("king", "Versand"),
    ):
        assert assign_roles(folders, [nonsense]) == usual, nonsense
