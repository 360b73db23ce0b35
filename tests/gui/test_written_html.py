"""What is written and sent, as Chromium reads it: every word, in its order."""

import json
from email import message_from_bytes, policy

import pytest
from pytestqt.qtbot import QtBot
from written import letter, visible, words

pytestmark = pytest.mark.gui
LETTERS = 200
READ = """JSON.stringify(%s.map((html) => {
  const page = new DOMParser().parseFromString(html, "text/html");
  document.body.replaceChildren(...page.body.childNodes);
  return document.body.innerText;
}))"""


def test_chromium_reads_every_word_of_what_is_sent(qtbot: QtBot) -> None:
    from mua.gui.web_view import WebView

    pages: list[str] = []
    meant: list[list[str]] = []
    for seed in range(LETTERS):
        sent = letter(seed)
        html = message_from_bytes(sent.wire, policy=policy.default).get_body(("html",))
        if html is not None:
            pages.append(html.get_content())
            meant.append(visible(sent.prose))
    assert len(pages) > LETTERS // 2
    web = WebView(lambda _: None)
    qtbot.addWidget(web)
    web.resize(800, 600)
    web.show()
    with qtbot.waitSignal(web.loadFinished, timeout=180_000):
        web.show_page("<!doctype html><html><body></body></html>")
    told: list[object] = []
    web.ask(READ % json.dumps(pages), told.append)
    qtbot.waitUntil(lambda: bool(told), timeout=180_000)
    read = [words(text) for text in json.loads(str(told[0]))]
    web.end()
    assert read == meant
