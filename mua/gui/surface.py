"""A window that is ready for a page of the browser before there is one.

A page is drawn by OpenGL.  Qt makes a window that holds none for plain pictures, and makes it anew when the first page
comes into it: it blinks, and keys that are pressed just then are lost.  The surface can only be chosen before the
window is shown.  It costs nothing: what is drawn until then is drawn as before (a hidden widget that draws by OpenGL,
the documented way, takes 50 MB and ten times the processor for each frame where there is no graphics card).
"""

from PySide6.QtGui import QGuiApplication, QSurface
from PySide6.QtWidgets import QWidget


def make_ready(window: QWidget) -> None:
    """Have a window, which was never shown, be made for OpenGL from the beginning."""
    if not QGuiApplication.platformName().startswith(("xcb", "wayland")):
        return  # others draw pages by something else, or need nothing
    window.winId()  # makes it, plain
    handle = window.windowHandle()
    if handle is not None:
        handle.setSurfaceType(QSurface.SurfaceType.OpenGLSurface)
        handle.destroy()
        handle.create()
