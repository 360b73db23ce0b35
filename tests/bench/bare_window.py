"""The least that a PySide6 program can do: one empty window.  Prints "painted" after its first paint.

With ``--stay`` it then waits to be measured; otherwise it ends.
"""

import sys

from PySide6.QtCore import QTimer
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QApplication, QMainWindow


class Window(QMainWindow):
    """Says when it was first painted."""

    painted = False

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if not self.painted:
            self.painted = True
            print("painted", flush=True)
            if "--stay" not in sys.argv:
                QTimer.singleShot(0, QApplication.quit)


application = QApplication(sys.argv)
window = Window()
window.resize(1200, 800)
window.show()
sys.exit(application.exec())
