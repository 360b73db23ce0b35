"""Mail brought in as mbox, Maildir and .eml files and taken out again as each of them: does every byte come back?

./run bench returning      the whole collection of awkward mail
"""

import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path

from commands import Mua

from mua.mime import marks, mbox

FORMS = ("mbox", "maildir", "eml")


def write(form: str, raws: list[bytes], path: Path) -> None:
    """Mails as another program would have them."""
    if form == "mbox":
        with path.open("wb") as stream:
            for number, raw in enumerate(raws):
                mbox.append(stream, raw, "a@good.test", 1_700_000_000 + number)
        return
    folder = path / "cur" if form == "maildir" else path
    folder.mkdir(parents=True)
    if form == "maildir":
        (path / "new").mkdir()
    for number, raw in enumerate(raws):
        (folder / (f"{number}:2,S" if form == "maildir" else f"{number}.eml")).write_bytes(raw)


def read_back(form: str, path: Path) -> Counter[bytes]:
    """What was exported."""
    if form == "mbox":
        with path.open("rb") as stream:
            return Counter(mbox.split(stream))
    folder = path / "cur" if form == "maildir" else path
    return Counter(file.read_bytes() for file in folder.iterdir())


def expected(form: str, raws: list[bytes]) -> Counter[bytes]:
    """What has to come back: everything, but what an mbox or a Maildir says was deleted in it."""
    return Counter(raw for raw in raws if form == "eml" or not marks.in_header(raw).gone)


def there_and_back(mua: Mua, raws: list[bytes], work: Path) -> list[str]:
    """What went wrong, in sentences; the engine of ``mua`` runs."""
    wrong: list[str] = []
    for form in FORMS:
        source = work / f"in-{form}"
        write(form, raws, source)
        wanted = expected(form, raws)
        told = mua.json("import", str(source), f"From {form}")
        if (told["imported"], told["lost"]) != (wanted.total(), 0):
            wrong.append(f"{form}: {told['imported']} of {wanted.total()} imported, {told['lost']} lost")
        if told["imported"] + sum(one["count"] for one in told["left_out"]) != len(raws):
            wrong.append(f"{form}: what was left out is not counted")
        for out in FORMS:
            target = work / f"{form}-to-{out}"
            said = mua.json("export", f"From {form}", str(target), "--as", out)
            if said["exported"] != wanted.total() or read_back(out, target) != wanted:
                wrong.append(f"{form} to {out}: {said['exported']} of {wanted.total()}, or other bytes")
            shutil.rmtree(target) if target.is_dir() else target.unlink()
    return wrong


def main() -> int:
    """The whole collection."""
    import corpora

    raws = [raw for _, raw in corpora.distinct() if raw]
    with tempfile.TemporaryDirectory(prefix="mua-returning-") as folder:
        mua = Mua(Path(folder) / "profile")
        with mua.engine():
            mua.json("account", "add", "--name", "here", "--email", "me@good.test", "--local")
            wrong = there_and_back(mua, raws, Path(folder))
    sys.stdout.write("\n".join([*wrong, f"{len(raws)} mails, {sum(map(len, raws)):,} octets, {len(wrong)} wrong\n"]))
    return 1 if wrong or not raws else 0


if __name__ == "__main__":
    sys.exit(main())
