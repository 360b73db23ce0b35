"""Pictures for the demo mailbox, drawn by code: hills under a sky, in the colours of a time of day.

Rule of the file: pure; the same name gives the same bytes.  Theory of operation: a picture is built column by column
(sky, then each range of hills) in three planes, which slicing turns into rows; so it takes milliseconds, not seconds.
"""

import struct
from functools import cache
from math import sin
from random import Random
from zlib import compress, crc32

Colour = tuple[int, int, int]

# name -> sky at the top, sky at the horizon, farthest hills, nearest hills
_MOODS: dict[str, tuple[Colour, Colour, Colour, Colour]] = {
    "morning": ((120, 170, 220), (252, 226, 190), (150, 170, 190), (44, 84, 72)),
    "evening": ((58, 62, 120), (250, 160, 110), (150, 100, 130), (40, 30, 54)),
    "autumn": ((170, 190, 205), (245, 235, 215), (190, 150, 110), (120, 58, 30)),
    "sea": ((90, 150, 200), (222, 238, 244), (110, 160, 180), (20, 70, 100)),
    "winter": ((150, 170, 195), (240, 244, 250), (190, 204, 220), (80, 100, 128)),
    "garden": ((170, 210, 220), (250, 246, 214), (170, 200, 130), (60, 110, 50)),
}
LAYERS = 5


@cache
def picture(name: str, width: int = 640, height: int = 420) -> bytes:
    """A landscape as PNG.  ``name`` starts with a mood (``evening``); the rest chooses the hills."""
    chance = Random(crc32(name.encode()))
    top, horizon, far, near = _MOODS[name.partition("-")[0]]
    shapes = [_ridge(chance, layer, width, height) for layer in range(LAYERS)]
    shades = [mixed(far, near, layer / (LAYERS - 1)) for layer in range(LAYERS)]
    sun = (chance.randrange(width // 5, width * 4 // 5), height // 3, height // 14)
    planes = [_plane(c, (top, horizon), shades, shapes, sun, height) for c in range(3)]
    return png(_rows(planes, width, height))


def png(rows: list[bytes]) -> bytes:
    """A PNG (ISO/IEC 15948) of rows of RGB."""
    header = struct.pack(">IIBBBBB", len(rows[0]) // 3, len(rows), 8, 2, 0, 0, 0)
    pixels = b"".join(b"\0" + row for row in rows)
    chunks = ((b"IHDR", header), (b"IDAT", compress(pixels, 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """The colour between two: ``share`` 0 is the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _rows(planes: list[bytes], width: int, height: int) -> list[bytes]:
    """Three planes of columns, each ``height`` octets from the top, as rows of RGB."""
    rows = []
    for y in range(height):
        row = bytearray(3 * width)
        for channel, plane in enumerate(planes):
            row[channel::3] = plane[y::height]
        rows.append(bytes(row))
    return rows


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", crc32(kind + data))


def _ridge(chance: Random, layer: int, width: int, height: int) -> list[int]:
    base = height * (0.42 + 0.13 * layer)
    waves = [_wave(chance, step, height) for step in range(4)]
    angles = [6.3 * x / width for x in range(width)]
    return [round(base + sum(size * sin(turn + often * angle) for often, turn, size in waves)) for angle in angles]


def _wave(chance: Random, step: int, height: int) -> tuple[float, float, float]:
    """How often in the width, where it begins, how high: each step is finer and flatter than the one before."""
    return chance.uniform(1, 3.4) * (step + 1), chance.uniform(0, 6.3), height * 0.06 / (step + 1)


def _plane(
    channel: int,
    sky: tuple[Colour, Colour],
    shades: list[Colour],
    shapes: list[list[int]],
    sun: tuple[int, int, int],
    height: int,
) -> bytes:
    top, horizon = sky[0][channel], sky[1][channel]
    gradient = bytes(round(top + (horizon - top) * min(1.0, y / (height * 0.55))) for y in range(height))
    light = (255, 246, 214)[channel]
    plane = bytearray()
    for x in range(len(shapes[0])):
        column = bytearray(gradient)
        if abs(x - sun[0]) < sun[2]:
            half = round((sun[2] ** 2 - (x - sun[0]) ** 2) ** 0.5)
            column[sun[1] - half : sun[1] + half] = bytes([light]) * (2 * half)
        pieces, bottom = [], height
        for shade, shape in reversed(list(zip(shades, shapes, strict=True))):  # the nearest hills hide those behind
            start = min(shape[x], bottom)
            pieces.append(bytes((shade[channel],)) * (bottom - start))
            bottom = start
        plane += b"".join([bytes(column[:bottom]), *reversed(pieces)])
    return bytes(plane)
