"""Color palettes, and the contrast of colors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Theme = Literal["light", "dark"]
_LINEAR_LIMIT = 0.04045
"""sRGB is linear for channel values, from 0 to 1, up to this limit."""


@dataclass(frozen=True)
class Hue:
    """Two shades of one hue; the strong one has more contrast with the background."""

    plain: str
    strong: str


@dataclass(frozen=True)
class Palette:
    """Colors of a theme. Contrast with the background is at least 3:1 for lines and 4.5:1 for text.

    The limits are those of WCAG 2.2, 1.4.3 and 1.4.11.
    """

    background: str
    text: str
    muted: str
    grid: str
    warning: str
    hues: tuple[Hue, ...]
    """The hues of M. Okabe and K. Ito, "Color Universal Design", 2008, which are distinct for people with any kind of
    color vision. Some are darker than the original on white, where lines would be too pale."""
    ramp: tuple[str, str]
    """The colors of shares 0 and 1, in one hue."""

    def interpolate_ramp(self, share: float) -> str:
        """Return the color of a share from 0 to 1."""
        ends = zip(_parse_channels(self.ramp[0]), _parse_channels(self.ramp[1]), strict=True)
        return "#" + "".join(f"{round(low + (high - low) * share):02x}" for low, high in ends)


def select_text_color(background: str) -> str:
    """Return the text color on a background: black or white, one of which always has a contrast of 4.5:1."""
    return max(("#000000", "#ffffff"), key=lambda color: compute_contrast(color, background))


def compute_contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colors, from 1 to 21, as WCAG 2.2 defines it."""
    light, dark = sorted((_compute_luminance(first), _compute_luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _compute_luminance(color: str) -> float:
    """Return the relative luminance that WCAG 2.2 defines."""
    channels = [channel / 255 for channel in _parse_channels(color)]
    red, green, blue = (
        channel / 12.92 if channel <= _LINEAR_LIMIT else ((channel + 0.055) / 1.055) ** 2.4 for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parse_channels(color: str) -> tuple[int, int, int]:
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
