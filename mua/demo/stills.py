"""Still lifes for the demo's shop: turned things (bowls, jars, vases) on a table before a wall, drawn by code.

Rule of the file: pure; the same name gives the same bytes.  Theory of operation: a turned thing is a profile (half its
width at each height), so that each row of the picture is wall or table with a few runs of colour laid over it.
"""

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from math import pi, sin

from mua.demo.pictures import Colour, mixed, png

Profile = Callable[[float], float]

# mood -> wall at the top, wall at the bottom, table, glazes
_MOODS: dict[str, tuple[Colour, Colour, Colour, tuple[Colour, ...]]] = {
    "warm": ((246, 236, 220), (238, 220, 194), (188, 140, 98), ((176, 84, 52), (232, 196, 140), (92, 110, 92))),
    "cool": ((226, 234, 238), (206, 220, 226), (150, 160, 164), ((58, 96, 120), (236, 238, 236), (196, 152, 84))),
    "green": ((236, 240, 226), (216, 226, 200), (160, 132, 98), ((78, 116, 80), (238, 230, 206), (186, 100, 72))),
    "dusk": ((92, 84, 110), (176, 128, 120), (74, 54, 58), ((214, 160, 96), (120, 74, 84), (232, 214, 190))),
}


def _kettle(u: float) -> float:
    """A knob, a lid, and a belly."""
    if u < 0.14:
        return 0.14 if u < 0.09 else 0.4
    return min(1.0, float((1 - (1 - u) ** 2.6) ** 0.8) + 0.2)


def _pear(u: float) -> float:
    """A stalk, a neck, and the rest."""
    if u < 0.1:
        return 0.06
    return 0.42 + 0.58 * sin(pi * u * 0.95) ** 3 if u < 0.62 else 1 - (u - 0.62) ** 2 * 3


# name -> height and width (shares of the picture's height), and the profile from the top (0) to the foot (1)
_THINGS: dict[str, tuple[float, float, Profile]] = {
    "bowl": (0.24, 0.52, lambda u: max(0.38, (1 - u**2.2) ** 0.5)),
    "cup": (0.26, 0.26, lambda u: 1 - 0.24 * u**2),
    "jar": (0.46, 0.34, lambda u: 0.74 if u < 0.13 else min(1.0, 0.72 + (u - 0.13) * 4)),
    "vase": (0.62, 0.36, lambda u: 0.34 + 0.66 * sin(pi * min(0.93, u * 0.88 + 0.05)) ** 2.2 if u > 0.04 else 0.46),
    "bottle": (0.64, 0.22, lambda u: 0.36 if u < 0.36 else min(1.0, 0.36 + (u - 0.36) * 4.2)),
    "kettle": (0.44, 0.5, _kettle),
    "loaf": (0.26, 0.72, lambda u: (1 - (1 - u) ** 3) ** 0.4 if u < 0.9 else 0.98),
    "plate": (0.07, 0.6, lambda u: 1 - 0.55 * u),
    "pear": (0.3, 0.24, _pear),
    "candle": (0.4, 0.09, lambda u: 0.3 if u < 0.14 else 1.0),
    "cloth": (0.16, 0.5, lambda u: 0.92 if int(u * 3) % 2 else 1.0),
    "pot": (0.28, 0.3, lambda u: 1.0 if u < 0.2 else 0.9 - 0.26 * u),
}


@cache
def still(name: str, width: int = 340, height: int = 230) -> bytes:
    """A still life as PNG.  ``name`` is a mood and things, from left to right: ``warm-bowl-jar``."""
    mood, *things = name.split("-")
    top, bottom, table, glazes = _MOODS[mood]
    edge = round(height * 0.72)
    rows = [bytearray(bytes(mixed(top, bottom, y / edge)) * width) for y in range(edge)]
    rows += [bytearray(bytes(mixed(table, (0, 0, 0), (y - edge) / height)) * width) for y in range(edge, height)]
    for place, thing in enumerate(things):
        middle = round(width * (place + 1) / (len(things) + 1))
        foot = round(height * (0.86 if place % 2 == 0 else 0.8))
        _stand(rows, thing, middle, foot, glazes[place % len(glazes)])
    return png([bytes(row) for row in rows])


def _stand(rows: list[bytearray], thing: str, middle: int, foot: int, glaze: Colour) -> None:
    """Lay one thing over the rows: its shadow, then itself, lit from the left."""
    tall, wide, profile = _THINGS[thing]
    height, half = round(tall * len(rows)), wide * len(rows) / 2
    for y in range(foot - 3, min(foot + 5, len(rows))):
        reach = half * profile(1.0) * (1.15 - abs(y - foot) / 12)
        _shade(rows[y], round(middle - reach * 0.9), round(middle + reach * 1.25))
    light, dark = mixed(glaze, (255, 255, 255), 0.28), mixed(glaze, (0, 0, 0), 0.22)
    for y in range(height):
        reach = half * profile(y / height)
        stops = [middle + round(reach * share) for share in (-1, -0.62, 0.42, 1)]
        for (start, end), colour in zip(pairwise(stops), (light, glaze, dark), strict=True):
            rows[foot - height + y][3 * start : 3 * end] = bytes(colour) * (end - start)


def _shade(row: bytearray, start: int, end: int) -> None:
    row[3 * start : 3 * end] = bytes(part * 4 // 5 for part in row[3 * start : 3 * end])
