"""The window is not made anew when the first page comes into it: on a display of its own, with Qt's real platform."""

import contextlib
import os
import shutil
import subprocess
import sys

import pytest
from screen_reader import start_display

pytestmark = [
    pytest.mark.may_skip("there is a virtual display on Linux only"),
    pytest.mark.skipif(not shutil.which("Xvfb"), reason="not installed: Xvfb"),
]
WINDOW = """
import sys
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QRhiWidget, QStackedWidget
from mua.gui.surface import make_ready
application = QApplication([])
window, pages = QMainWindow(), QStackedWidget()
pages.addWidget(QLabel("text"))
window.setCentralWidget(pages)
if sys.argv[1] == "ready":
    make_ready(window)
window.show()
application.processEvents()
before = int(window.winId())
page = QRhiWidget()  # what a page of the browser is to its window
page.setApi(QRhiWidget.Api.OpenGL)
pages.addWidget(page)
pages.setCurrentWidget(page)
application.processEvents()
same = before == int(window.winId()) == int(window.windowHandle().winId())
print("same" if same else "another", int(window.isVisible()))
"""


@pytest.mark.parametrize(("how", "told"), [("ready", "same 1"), ("plain", "another 1")])
def test_the_window_stays_what_it_is(how: str, told: str) -> None:
    with contextlib.ExitStack() as stack:
        environment = {**os.environ, "DISPLAY": start_display(stack), "QT_QPA_PLATFORM": "xcb"}
        words = [sys.executable, "-c", WINDOW, how]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.strip() == told, done.stderr
