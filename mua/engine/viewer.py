"""The view of a message, made in a child process where its HTML is large.

Theory of operation.  HTML is the one part of a mail whose reading may cost more than its size says, and both of its
parsers hold the interpreter's lock while they read.  So the engine parses no more than ``LARGE`` characters of it
(``light_text`` is the text of the rest), and a view of more is made by ``main``, a process of its own, which has
``SECONDS`` of processor time and ``MEMORY`` octets; the kernel ends it when it wants more, and the message is then
shown by its text.  Smaller ones are not worth the start of a process.

Such a message can be read before that: ``begun`` is the view of its beginning, no larger than what is read here anyway.
"""

import json
import subprocess
import sys
from dataclasses import replace

from mua.jsonable import to_json
from mua.log import ENGINE
from mua.mime.message import MAX_TEXT, Parsed, early_warnings, parse
from mua.mime.pieces import SKIMMED
from mua.mime.text import LARGE, light_text, stripped
from mua.mime.view import view, view_of
from mua.model.message import MessageView
from mua.paths import child_command, child_environment

SECONDS = 10  # of processor time
WAIT = 30  # seconds, on a busy machine
MEMORY = 2 << 30
BEGUN = 400_000  # characters of a text's beginning: more than a reader lays out (``gui.rich_text``)
UNFIT = "This message's HTML is too costly to show; what you see is its text, and the source has all of it."


def shown(raw: bytes) -> str:
    """The ``MessageView`` of a message as JSON.  Never raises."""
    parsed = parse(raw, light_text)
    if len(parsed.html) > LARGE:
        return _by_child(raw) or _written(as_text(parsed))
    return _written(view_of(parsed))


def begun(raw: bytes) -> str:
    """The view of the beginning of a message whose whole takes a while, as JSON; empty where it does not.

    What is odd about its header is told; what is attached, and what is odd about the rest, is not yet.  Never raises.
    """
    if len(raw) <= LARGE:
        return ""
    parsed = parse(raw[:SKIMMED], light_text)
    if len(parsed.html) <= LARGE and (len(raw) <= SKIMMED or len(parsed.text) <= BEGUN):
        return ""
    html, text = parsed.html[:LARGE], parsed.text[:BEGUN]
    warnings = early_warnings(parsed.root)
    made = view_of(replace(parsed, html=html, text=text, attachments=(), warnings=warnings, events=()))
    if html and not made.html.rpartition("</style>")[2].strip():  # so far, there are nothing but styles
        return ""
    return _written(replace(made, receipt_to=()))


def as_text(parsed: Parsed) -> MessageView:
    """The view of a message whose HTML nobody should parse."""
    text = parsed.text or stripped(parsed.html[:MAX_TEXT])
    return view_of(replace(parsed, html="", text=text, warnings=(*parsed.warnings, UNFIT)))


def main() -> int:
    """The child's life: a message on stdin, its view on stdout."""
    import resource  # not on Windows, which has no such limits either

    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    sys.stdout.write(_written(view(sys.stdin.buffer.read())))
    return 0


def _by_child(raw: bytes) -> str:
    """What the child said; empty when it did not finish."""
    command = child_command("viewer")
    environment = {**child_environment(), "PYTHONUTF8": "1"}
    try:
        ended = subprocess.run(command, input=raw, capture_output=True, env=environment, timeout=WAIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        ENGINE.info("a view was not made: %s", type(error).__name__)
        return ""
    if ended.returncode:
        ENGINE.info("a view was not made: the child ended with %d", ended.returncode)
        return ""
    return ended.stdout.decode()


def _written(message: MessageView) -> str:
    return json.dumps(to_json(message), ensure_ascii=False)
