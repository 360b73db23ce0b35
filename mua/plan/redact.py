"""Taking people out of a text that is to be shown to strangers: a log, a report.

Rule of the file: what is private is named by the caller and masked wherever it stands, and what looks like an address
is masked whoever it belongs to.  A host that is a server of the account stays: without it nobody can help.
"""

import re
from collections.abc import Iterable

_ADDRESS = re.compile(r"[\w.+'&%$*/=?^{|}~!#-]{1,64}@(?:[\w-]+\.)*[\w-]+|[\w.+-]{1,64}%40[\w.-]+", re.UNICODE)
_TYPED = re.compile("\u201c[^\u201d\n]*\u201d")
_SHORTEST = 3


def redacted(text: str, private: Iterable[str], public: Iterable[str] = ()) -> str:
    """``text`` without the private words, without addresses, and without what stands in typographic quotes.

    Words of ``public`` (hosts of servers) stay, also where a private word is a part of them.
    """
    kept = {word: f"\ue000{number}\ue001" for number, word in enumerate(dict.fromkeys(public)) if word}
    text = _ADDRESS.sub("<address>", _TYPED.sub("\u201c...\u201d", text))
    for word, mark in sorted(kept.items(), key=lambda one: -len(one[0])):
        text = text.replace(word, mark)
    lower = text.lower()
    words = {word for word in private if len(word) >= _SHORTEST and word not in kept and word.lower() in lower}
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(re.escape(word), "<private>", text, flags=re.IGNORECASE)
    for word, mark in kept.items():
        text = text.replace(mark, word)
    return text
