"""``leak_control.py MAILS.json``: the same mails in a browser engine that nobody guards: what leaks where it may."""

import json
import os
import sys
from pathlib import Path

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtWebEngineCore import QWebEngineSettings
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication

SETTLED = 250  # milliseconds after a page has loaded; some never do
LONGEST = 2500


def main() -> None:
    """Show one after the other."""
    mails = [html for _, html in json.loads(Path(sys.argv[1]).read_text("utf-8"))]
    application = QApplication([])
    view = QWebEngineView()
    view.settings().setAttribute(QWebEngineSettings.WebAttribute.DnsPrefetchEnabled, True)
    view.resize(1100, 800)
    view.show()
    timer = QTimer(view)
    timer.setSingleShot(True)

    def following() -> None:
        if not mails:
            os._exit(0)
        view.setHtml(mails.pop(0), QUrl("about:blank"))
        timer.start(LONGEST)

    timer.timeout.connect(following)
    view.loadFinished.connect(lambda _: timer.start(SETTLED))
    following()
    application.exec()


if __name__ == "__main__":
    main()
