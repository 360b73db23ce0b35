"""Contacts on the command line: in, listed, grouped, made one, brought back, and out again byte for byte."""

from pathlib import Path

from commands import Mua


def cards(count: int) -> bytes:
    return b"".join(
        b"BEGIN:VCARD\r\nVERSION:4.0\r\nUID:urn:uuid:%d\r\nFN:Person %04d\r\nEMAIL;TYPE=home:p%d@example.org\r\n"
        b"X-OWN;X-A=b:kept %d\r\nEND:VCARD\r\n" % (number, number, number, number)
        for number in range(count)
    )


def test_thousands_come_in_and_go_out_byte_for_byte(tmp_path: Path) -> None:
    mua = Mua(tmp_path / "profile")
    file, out = tmp_path / "many.vcf", tmp_path / "out.vcf"
    file.write_bytes(cards(3000) + b"BEGIN:VCARD\r\nFN:cut")
    told = mua.run("contacts", "import", str(file))
    assert told.returncode == 1
    assert b"3001 contacts found, 3000 imported, 0 here already, 1 lost." in told.stdout
    (again,) = mua.json("contacts", "import", str(file), code=1)
    assert (again["imported"], again["here"], again["lost"]) == (0, 3000, 1)
    assert mua.json("contacts", "export", str(out))["exported"] == 3000
    assert out.read_bytes() == cards(3000)
    assert out.stat().st_mode & 0o777 == 0o600
    assert mua.run("contacts", "export", str(out)).returncode == 1
    other = tmp_path / "three.vcf"
    mua.json("contacts", "export", str(other), "--as", "3.0")
    assert other.read_bytes().count(b"VERSION:3.0\r\n") == 3000


def test_groups_merging_and_bringing_back(tmp_path: Path) -> None:
    mua = Mua(tmp_path / "profile")
    file = tmp_path / "few.vcf"
    extra = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Nobody Else\r\nEMAIL:P1@example.org\r\nTEL:+1\r\nEND:VCARD\r\n"
    file.write_bytes(cards(3) + extra)
    mua.json("contacts", "import", str(file))
    found = {one["name"]: one["id"] for one in mua.json("contacts", "list")}
    told = mua.json("contacts", "group", "Friends", found["Person 0000"], found["Person 0002"])
    assert [one["address"] for one in told["members"]] == ["p0@example.org", "p2@example.org"]
    assert [one["name"] for one in mua.json("contacts", "list", "--group", "Friends")] == ["Person 0000", "Person 0002"]
    (suspicion,) = mua.json("contacts", "merge")
    assert set(suspicion["ids"]) == {found["Person 0001"], found["Nobody Else"]}
    mua.json("contacts", "merge", found["Person 0001"], found["Nobody Else"])
    assert len(mua.json("contacts", "list")) == 3
    card = mua.json("contacts", "show", found["Person 0001"])["card"]
    assert "X-OWN;X-A=b:kept 1\r\n" in card
    assert "TEL:+1\r\n" in card
    assert "Nobody Else" in card
    (gone,) = mua.json("contacts", "restore")
    assert gone["name"] == "Nobody Else"
    assert gone["reason"] == "merged into another contact here"
    mua.json("contacts", "restore", gone["id"])
    assert [one["name"] for one in mua.json("contacts", "list", "nobody")] == ["Nobody Else"]
