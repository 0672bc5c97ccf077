"""Colours: which, and how well they stand out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]
_LINEAR = 0.04045
"""Below this share of a channel, sRGB is linear."""


@dataclass(frozen=True)
class Hue:
    """Two shades of one colour; the strong one stands out more from the background."""

    plain: str
    strong: str


@dataclass(frozen=True)
class Palette:
    """Colours. Lines stand out from the background by 3:1 or more, text by 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11)."""

    background: str
    text: str
    muted: str
    grid: str
    warning: str
    hues: tuple[Hue, ...]
    """Those of M. Okabe and K. Ito, "Color Universal Design", 2008, which people tell apart whatever kind of colour
    vision they have; darker on white than there, where they were too pale for lines."""
    ramp: tuple[str, str]
    """From none to all, in one hue."""

    def shade(self, share: float) -> str:
        """The colour of a share from 0 to 1."""
        ends = zip(_channels(self.ramp[0]), _channels(self.ramp[1]), strict=True)
        return "#" + "".join(f"{round(none + (full - none) * share):02x}" for none, full in ends)


def on(fill: str) -> str:
    """The colour for letters on a filled ground: black or white, of which one always stands out by 4.5:1."""
    return max(("#000000", "#ffffff"), key=lambda letters: contrast(letters, fill))


def contrast(one: str, other: str) -> float:
    """The contrast of two colours, from 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    """The relative luminance of WCAG 2.2."""
    parts = [part / 255 for part in _channels(color)]
    red, green, blue = (part / 12.92 if part <= _LINEAR else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _channels(color: str) -> tuple[int, int, int]:
    red, green, blue = bytes.fromhex(color[1:])
    return red, green, blue


PALETTES: Mapping[Theme, Palette] = {
    "light": Palette(
        background="#ffffff",
        text="#1b1f24",
        muted="#57606a",
        grid="#e4e7eb",
        warning="#b3261e",
        hues=(
            Hue("#0072b2", "#003a66"),
            Hue("#d55e00", "#7a2e00"),
            Hue("#009e73", "#005a40"),
            Hue("#b0568a", "#6b2450"),
            Hue("#6e6e6e", "#2b2b2b"),
        ),
        ramp=("#f3f7fb", "#0b4f8a"),
    ),
    "dark": Palette(
        background="#15181d",
        text="#e8eaed",
        muted="#a3abb5",
        grid="#2b3038",
        warning="#ff8a80",
        hues=(
            Hue("#3d9bdc", "#b5e0ff"),
            Hue("#e08a00", "#ffd994"),
            Hue("#1fae84", "#a5f0d4"),
            Hue("#d476ab", "#ffd0ea"),
            Hue("#c2b71f", "#fbf6a8"),
        ),
        ramp=("#1d232b", "#7cc4f2"),
    ),
}
