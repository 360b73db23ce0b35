"""What is looked at before a letter goes: who gets it, and what is probably a mistake; said in place, with a button.

Rule of the file: each thing is asked about once; "Send anyway" always sends.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mua.language import tr
from mua.plan import warnings

if TYPE_CHECKING:
    from mua.gui.composer import Composer


class Checks:
    """Of one composer."""

    def __init__(self, composer: "Composer") -> None:
        self._composer = composer
        self._forgiven: set[str] = set()

    def passed(self, at: int | None) -> bool:
        """Nothing is to be said; ``at``: when it is to go (UTC seconds; None: now)."""
        return self._made() and self._addressed() and self._remembered(at)

    # ---- inside
    def _made(self) -> bool:
        """No file is still being made, without which it would go."""
        if self._composer.strip.busy:
            self._composer.say(
                tr("A file is still being made for this letter; send it when that is attached."), "warning"
            )
            return False
        return True

    def _addressed(self) -> bool:
        composer = self._composer
        fields = composer.head.fields()
        if not any(field.addresses() for field in fields):
            composer.say(
                tr("Nobody is named to get this; add an address."), "warning", tr("Add one"), composer.to.setFocus
            )
            composer.to.setFocus()
            return False
        for field in fields:
            if problems := field.problems():
                composer.say(problems[0], "danger", tr("Show it"), field.show_problem)
                field.show_problem()
                return False
        return True

    def _remembered(self, at: int | None) -> bool:
        """Ask once about each thing that looks like a mistake."""
        found = [one for one in warnings.warnings(self._facts()) if one.kind not in self._forgiven]
        if not found:
            return True
        composer, first = self._composer, found[0]
        button, act = self._remedy(first.kind)
        composer.say(first.text, "warning", button, act)

        def go() -> None:
            self._forgiven.add(first.kind)
            composer.send(at)

        composer.banner.offer(tr("Send anyway"), go)
        return False

    def _facts(self) -> warnings.Facts:
        """The letter as it is judged."""
        composer = self._composer
        letter, account = composer.letter(), composer.account()
        return warnings.Facts(
            sender=letter.sender.address if letter.sender else "",
            to=letter.to,
            cc=letter.cc,
            bcc=letter.bcc,
            subject=letter.subject,
            text=letter.text if letter.redirects is None else "",
            files=len(letter.attached),
            octets=composer.octets() + len(letter.text) + len(letter.rich),
            limit=composer.limit_of(account) if account else 0,
            answers=letter.answers is not None,
            came_to=letter.came_to,
            hidden=letter.hidden,
        )

    def _remedy(self, kind: warnings.Kind) -> tuple[str, Callable[[], object] | None]:
        """The button that helps."""
        composer = self._composer
        match kind:
            case warnings.Kind.FROM:
                return tr("Answer from there"), self._answer_from_there
            case warnings.Kind.SEEN:
                return tr("Move all to Bcc"), self._hide_all
            case warnings.Kind.SIZE:
                return (tr("Smaller pictures"), composer.strip.shrink) if composer.strip.can_shrink() else ("", None)
            case warnings.Kind.FILE:
                return tr("Attach"), composer.choose_files
            case warnings.Kind.SUBJECT:
                return tr("Add one"), composer.subject.setFocus
            case _:
                return "", None

    def _answer_from_there(self) -> None:
        self._composer.write_as(self._composer.letter().came_to)
        self._composer.banner.hide()

    def _hide_all(self) -> None:
        head = self._composer.head
        everybody = [one for field in head.fields() for one in field.addresses()]
        for field in head.fields():
            field.set_addresses(())
        head.bcc.set_addresses(everybody)
        head.show_copies(False, True)
        self._composer.banner.hide()
