"""A list of people, and who of it gets a letter."""

import random

import pytest

from mua.model.address import Address
from mua.plan import merge
from mua.plan.merge import Merge, Table, address_column, delays, read_table, unknown_fields


def bad(address: Address) -> bool:
    return "@" not in address.address


def merged(data: bytes, had: tuple[str, ...] = ()) -> Merge:
    return merge.merge(read_table(data), bad, lambda one: one.to.address in had)


@pytest.mark.parametrize(
    "data",
    [
        b"Name,E-Mail,Seat No\nOkoye, \nAmara Okoye,a@x.example,7\n",
        "\ufeffName;E-Mail;Seat  No\r\nAmara Okoye;a@x.example;7\r\n".encode(),
        "Name\tE-Mail\tSeat No\nAmara Okoye\ta@x.example\t7".encode("utf-16"),
        b'"Name","E-Mail","Seat No"\n\n"Amara Okoye","a@x.example","7"\n',
    ],
)
def test_a_list_is_read_as_spreadsheets_save_it(data: bytes) -> None:
    (one,) = merged(data).letters
    assert one.to == Address("Amara Okoye", "a@x.example")
    assert one.values["seat no"] == "7" and one.values["first name"] == "Amara"


def test_windows_letters_quotes_and_lines_in_a_cell() -> None:
    (one,) = merged('mail;Gruß\nj@x.example;"Für ""Jörg"",\nHalle 3"\n'.encode("cp1252")).letters
    assert one.values["gruss"] == 'Für "Jörg",\nHalle 3'


def test_who_cannot_be_written_to_is_told_and_nobody_is_written_to_twice() -> None:
    data = b"email,name\na@x.example,A\n,B\nnowhere,C\nA@X.example,A again\nh@x.example,H\n"
    found = merged(data, had=("h@x.example",))
    assert [one.to.address for one in found.letters] == ["a@x.example"]
    assert found.left == (
        (3, "", "none"), (4, "nowhere", "bad"), (5, "A@X.example", "twice"), (6, "h@x.example", "had")
    )  # fmt: skip


def test_the_column_of_addresses_is_found_by_its_name_or_by_what_is_in_it() -> None:
    assert address_column(read_table(b"who,Courriel\nx,y\n")) == 1
    assert address_column(read_table(b"who,where\nA,a@x.example\nB,b@x.example\n")) == 1
    assert address_column(read_table(b"who,where\nA,Hall\nB,b@x.example\n")) == -1
    assert address_column(Table()) == -1


def test_a_list_has_caps_and_nothing_in_it_is_an_error() -> None:
    many = b"email\n" + b"".join(b"p%d@x.example\n" % one for one in range(merge.MOST_ROWS + 5))
    table = read_table(many)
    assert table.cut and len(table.rows) == merge.MOST_ROWS
    assert read_table(b"") == Table()
    assert read_table(b'a,b\n"' + b"x" * 200_000).cut  # a field without an end, beyond what a reader takes
    chance = random.Random(5)
    for _ in range(200):
        merged(chance.randbytes(chance.randrange(400)))


def test_empty_lines_have_an_end_and_an_empty_first_column_is_one() -> None:
    table = read_table(b"\n" * (merge.MOST_LINES + 1) + b"email\na@b.example\n")
    assert (table.columns, table.rows, table.cut) == ((), (), True)
    assert read_table(b"\n\r\n\temail\n\ta@b.example\n").columns == ("", "email")
    assert read_table(b" " * 200_000).columns == ()


def test_fields_without_a_column_and_the_pace() -> None:
    table = read_table(b"email,Seat No\na@x.example,7\n")
    assert unknown_fields(["{{Seat no}} {{first name|x}} {{row}}", "{{row}} {{Hall}}"], table) == ("row", "hall")
    assert delays(4, 0, 10) == [10, 10, 10, 10]
    assert delays(5, 30, 10) == [10, 12, 14, 16, 18]
