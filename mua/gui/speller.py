"""The dictionaries of this computer, on a thread of their own: who knows a word, and what it could have been.

Rules of the file: Enchant is imported and called on this thread only (it lets go of the interpreter while a dictionary
works, so that the window does not wait); only providers that work in this process; a word goes to them and nowhere
else; where Enchant is missing there are no languages, and nothing else is different.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterable
from typing import Any

from PySide6.QtCore import QObject, Signal

_PROVIDERS = "hunspell,nuspell,aspell,hspell,voikko"
_REMEMBERED = 200_000  # words
_OFFERED = 6

log = logging.getLogger(__name__)


class Speller(QObject):
    """The thread, which starts with the first question."""

    ready = Signal()
    """``installed`` is known."""
    told = Signal()
    """More of ``known`` is."""
    _listed = Signal(object)
    _found = Signal(object, object)
    _answered = Signal(object, object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.installed: tuple[str, ...] | None = None
        """The languages that have a dictionary here; None: not known yet."""
        self.known: dict[str, frozenset[str]] = {}
        """Of each word that was looked up the languages that know it."""
        self._languages: tuple[str, ...] = ()
        self._asked: set[str] = set()
        self._work: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._broker: Any = None
        self._dictionaries: dict[str, Any] = {}
        self._listed.connect(self._take_list)
        self._found.connect(self._take)
        self._answered.connect(lambda then, answer: then(answer))

    # ---- the window's thread
    def begin(self) -> None:
        """Find out which languages there are."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="speller", daemon=True)
            self._thread.start()
            self._work.put(self._list)

    def use(self, languages: tuple[str, ...]) -> None:
        """Words are looked up in these from now on."""
        if languages != self._languages:
            self._languages = languages
            self._asked.clear()
            self.known = {}
            self.told.emit()

    @property
    def languages(self) -> tuple[str, ...]:
        """Those in use."""
        return self._languages

    def look_up(self, words: Iterable[str]) -> None:
        """Have these in ``known`` soon."""
        wanted = tuple(word for word in words if word not in self._asked)
        if not wanted or not self._languages:
            return
        if len(self._asked) > _REMEMBERED:
            self._asked.clear()
            self.known = {}
        self._asked.update(wanted)
        languages = self._languages
        self._work.put(lambda: self._found.emit(languages, self._look_up(wanted, languages)))

    def suggest(self, word: str, language: str, then: Callable[[list[str]], object]) -> None:
        """What ``word`` could have been, the likeliest first: given to ``then`` as soon as it is known."""
        self._work.put(lambda: self._answered.emit(then, self._suggest(word, language)))

    def learn(self, word: str, language: str) -> None:
        """A word of the person's own: every program that uses Enchant knows it from now on."""
        self._change(word, language, "add")

    def unlearn(self, word: str, language: str) -> None:
        """Take that back."""
        self._change(word, language, "remove")

    def close(self) -> None:
        """End the thread."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join()
            self._thread = None

    def _change(self, word: str, language: str, how: str) -> None:
        languages = self._languages

        def change() -> None:
            from enchant.errors import Error

            dictionary = self._dictionary(language)
            try:
                if dictionary is not None:
                    getattr(dictionary, how)(word)
            except Error:  # the person's own list cannot be written: the word is underlined as before
                log.info("A word could not be put into the dictionary of %s", language)
            self._found.emit(languages, self._look_up((word,), languages))

        self._work.put(change)

    def _take_list(self, installed: tuple[str, ...]) -> None:
        self.installed = installed
        self.ready.emit()

    def _take(self, languages: tuple[str, ...], words: dict[str, frozenset[str]]) -> None:
        if languages == self._languages:
            self.known |= words
            self.told.emit()

    # ---- the thread
    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            work()
        self._dictionaries.clear()
        self._broker = None

    def _list(self) -> None:
        found: tuple[str, ...] = ()
        try:
            import enchant
        except ImportError:  # the library or its C part is not on this computer
            log.info("No spell checking: Enchant is not installed")
        else:
            self._broker = enchant.Broker()
            self._broker.set_ordering("*", _PROVIDERS)
            found = tuple(sorted(self._broker.list_languages()))
        self._listed.emit(found)

    def _dictionary(self, language: str) -> Any:
        if language not in self._dictionaries:
            made = None
            if self._broker is not None and self._broker.dict_exists(language):
                made = self._broker.request_dict(language)
            self._dictionaries[language] = made
        return self._dictionaries[language]

    def _look_up(self, words: tuple[str, ...], languages: tuple[str, ...]) -> dict[str, frozenset[str]]:
        found = [(one, dictionary) for one in languages if (dictionary := self._dictionary(one)) is not None]
        return {word: frozenset(one for one, dictionary in found if dictionary.check(word)) for word in words}

    def _suggest(self, word: str, language: str) -> list[str]:
        asked = [language] if language else list(self._languages)
        found: list[list[str]] = []
        for one in asked:
            dictionary = self._dictionary(one)
            found.append(dictionary.suggest(word)[:_OFFERED] if dictionary is not None else [])
        longest = max(map(len, found), default=0)
        turns = [many[turn] for turn in range(longest) for many in found if turn < len(many)]
        return list(dict.fromkeys(turns))[:_OFFERED]
