"""A voice note: recorded where there is a microphone, and attached.

Theory of operation: Qt's recorder writes into the letter's own folder while one speaks, so that length costs no
memory; what was spoken is attached when it was written to its end.  FLAC, since every system plays it, Mua's own player
too, and no licence is asked for.

Rules of the file: QtMultimedia is imported when a recording is asked for and not before (it looks for sound servers);
the microphone is held only while the bar says so; what was spoken is never thrown away but by the person.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QHBoxLayout

from mua.gui import words
from mua.gui.composer_files import as_sent
from mua.gui.theme import BASE, SECONDARY
from mua.gui.widgets import Button, Label
from mua.language import tr

if TYPE_CHECKING:
    from mua.gui.composer import Composer

KIND, SUFFIX = "audio/flac", ".flac"
_RATE = 24_000  # samples a second: a voice has nothing above half of that
_NO_MICROPHONE = tr("There is no microphone here, or no program may listen to it; connect one and try again.")
_NO_SOUND = tr("Recording needs Qt's part for sound, which is not on this computer.")


class Recorder(QObject):
    """One recording into a file.  ``ended`` says "" when it was written to its end, else what went wrong."""

    ended = Signal(str)
    spoken = Signal(int)
    """So many milliseconds are recorded."""

    def __init__(self, path: Path, parent: QObject | None = None) -> None:
        super().__init__(parent)
        from PySide6.QtMultimedia import QAudioInput, QMediaCaptureSession, QMediaDevices, QMediaFormat, QMediaRecorder

        self.path = path
        self._wrong = ""
        self._session = QMediaCaptureSession(self)
        self._session.setAudioInput(QAudioInput(QMediaDevices.defaultAudioInput(), self))
        self._recorder = QMediaRecorder(self)
        self._session.setRecorder(self._recorder)
        how = QMediaFormat(QMediaFormat.FileFormat.FLAC)
        how.setAudioCodec(QMediaFormat.AudioCodec.FLAC)
        self._recorder.setMediaFormat(how)
        self._recorder.setAudioSampleRate(_RATE)
        self._recorder.setAudioChannelCount(1)
        self._recorder.setOutputLocation(QUrl.fromLocalFile(str(path)))
        self._recorder.durationChanged.connect(lambda milliseconds: self.spoken.emit(milliseconds))
        self._recorder.errorOccurred.connect(lambda _, text: self._fail(text))
        stopped = QMediaRecorder.RecorderState.StoppedState
        self._recorder.recorderStateChanged.connect(lambda state: self._end() if state == stopped else None)

    def begin(self) -> None:
        """Listen."""
        self._recorder.record()

    def end(self) -> None:
        """Listen no more; ``ended`` follows."""
        self._recorder.stop()

    def _fail(self, text: str) -> None:
        self._wrong = text or tr("the recording stopped")
        self._recorder.stop()
        self._end()

    def _end(self) -> None:
        self._session.setAudioInput(None)  # type: ignore[arg-type]  # the microphone is free
        self.ended.emit(self._wrong)


def microphone() -> str:
    """Why nothing can be recorded here; "" where a microphone is."""
    try:
        from PySide6.QtMultimedia import QMediaDevices
    except ImportError:
        return _NO_SOUND
    return "" if QMediaDevices.audioInputs() else _NO_MICROPHONE


class VoiceBar(QFrame):
    """What is said while one speaks: how long already, and what shall become of it."""

    keep = Signal()
    drop = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName(tr("Voice note"))
        self.said = Label("", BASE)
        self.large = Label("", SECONDARY, "tertiary")
        self.attach = Button(tr("Attach"), "mic", "primary")
        away = Button(tr("Throw away"), kind="link")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 8, 0, 0)
        for one in (self.said, self.large):
            row.addWidget(one)
        row.addStretch()
        for button in (away, self.attach):
            row.addWidget(button)
        self.attach.clicked.connect(self.keep)
        away.clicked.connect(self.drop)
        self.show_length(0, 0)

    def show_length(self, milliseconds: int, octets: int) -> None:
        """So long, and so large as it will be sent."""
        minutes, seconds = divmod(milliseconds // 1000, 60)
        self.said.setText(tr("Recording: {length}", length=f"{minutes}:{seconds:02d}"))
        self.large.setText(tr("{size} as sent", size=words.size(as_sent(octets))) if octets else "")

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter attaches, Escape throws away."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.keep.emit()
        elif event.key() == Qt.Key.Key_Escape:
            self.drop.emit()
        else:
            super().keyPressEvent(event)


class Voice(QObject):
    """Recording into one composer.  ``find`` says why it cannot be done ("": it can), ``make`` makes the recorder."""

    def __init__(
        self,
        composer: "Composer",
        find: Callable[[], str] = microphone,
        make: Callable[[Path, QObject], Recorder] = Recorder,
    ) -> None:
        super().__init__(composer)
        self._composer, self._find, self._make = composer, find, make
        self._bar: VoiceBar | None = None
        self._recorder: Recorder | None = None
        self._wanted = True
        composer.installEventFilter(self)
        action = QAction(tr("Record a voice note"), composer)
        action.setShortcut(QKeySequence("Ctrl+Shift+R"))
        action.setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        action.triggered.connect(lambda _=False: self.begin())
        composer.addAction(action)
        composer.formats.more_offers.append(lambda menu: menu.addAction(action))

    @property
    def recording(self) -> bool:
        """Somebody speaks."""
        return self._recorder is not None

    def begin(self) -> None:
        """Record; where that cannot be, the reason is said."""
        composer = self._composer
        if self._recorder is not None:
            return
        if reason := self._find():
            composer.say(reason, "warning")
            return
        try:
            path = composer.strip.free(f"voice-{time.strftime('%H%M%S')}{SUFFIX}")
        except OSError as error:
            composer.say(tr("The recording has no place: {why}.", why=error.strerror or str(error)), "danger")
            return
        self._wanted = True
        self._recorder = self._make(path, self)
        self._recorder.ended.connect(self._ended)
        self._recorder.spoken.connect(self._spoken)
        self._bar = VoiceBar()
        self._bar.keep.connect(self.end)
        self._bar.drop.connect(lambda: self.end(wanted=False))
        composer.sentences.addWidget(self._bar)
        composer.strip.busy += 1
        self._recorder.begin()
        if self._bar is not None:
            self._bar.attach.setFocus()

    def end(self, wanted: bool = True) -> None:
        """Stop, and attach what was spoken, or throw it away."""
        self._wanted = wanted
        if self._recorder is not None:
            self._recorder.end()

    # ---- inside
    def _spoken(self, milliseconds: int) -> None:
        if self._bar is not None and self._recorder is not None:
            self._bar.show_length(milliseconds, _octets(self._recorder.path))

    def _ended(self, wrong: str) -> None:
        recorder, self._recorder = self._recorder, None
        if recorder is None:
            return
        composer = self._composer
        composer.strip.busy -= 1
        if self._bar is not None:
            self._bar.hide()
            self._bar.deleteLater()
            self._bar = None
        QTimer.singleShot(0, recorder.deleteLater)
        octets = _octets(recorder.path)
        if not self._wanted or not octets:
            recorder.path.unlink(missing_ok=True)
        else:
            composer.strip.attach_made(recorder.path, recorder.path.name, KIND)
        if wrong:
            composer.say(tr("The recording ended: {why}.", why=words.shown(wrong.rstrip("."), 120)), "warning")
        composer.editor.setFocus()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A window in which somebody speaks is not closed: that would lose it."""
        if event.type() == QEvent.Type.Close and self.recording:
            self._composer.say(tr("Still recording: attach it or throw it away first."), "warning")
            event.ignore()
            return True
        return super().eventFilter(watched, event)


def _octets(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
