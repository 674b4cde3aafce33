"""Results as a bar chart in SVG: pure."""

from collections.abc import Sequence
from html import escape

from rig.figures import Results
from rig.rows import Row

WIDTH, LEFT, RIGHT, TOP = 960, 300, 70, 60
BAR, GAP = 13, 16
MOST_SHARE = 2.0
"""Longer bars are cut off; their number says how long they are."""
COLOURS = ("#0b6bcb", "#2f8f4e", "#c77700", "#8a4fbf", "#b3394a", "#8b9098", "#3a7d8c", "#6b5b3e")
INK, FAINT = "#1c2024", "#d5d9de"


def render_chart(results: Results) -> str:
    """Return bars of every peer's share of the baseline, row by row; the short ones are the good ones."""
    height = BAR * max(1, len(results.peers)) + GAP
    bottom = TOP + 26 + height * len(results.rows)
    size = f'viewBox="0 0 {WIDTH} {bottom}" width="{WIDTH}" height="{bottom}"'
    font = 'font-family="system-ui, sans-serif" font-size="12"'
    title = f"Cost as a share of {results.baseline} in the same run: less is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{bottom}" fill="#ffffff"/>',
        _text(16, 26, title, "start", 'font-size="15" font-weight="600"'),
        *_legend(results.peers),
        *_scale(bottom),
    ]
    for place, row in enumerate(results.rows):
        top = TOP + 26 + height * place
        parts.append(_text(LEFT - 12, top + (height - GAP) / 2 + 4, row.title, "end"))
        parts += _bars(results, row, top)
    return "\n".join([*parts, "</svg>\n"])


def _bars(results: Results, row: Row, top: float) -> list[str]:
    """Return one bar a peer; the place of a peer without a figure stays empty."""
    bars: list[str] = []
    for place, (colour, peer) in enumerate(zip(_colours(len(results.peers)), results.peers, strict=True)):
        figure = results.figure(row.id, peer)
        if figure and figure.share is not None:
            bars.append(_bar(peer, figure.share, colour, top + BAR * place))
    return bars


def _bar(peer: str, share: float, colour: str, top: float) -> str:
    length = _x(min(max(share, 0.0), MOST_SHARE)) - LEFT
    shape = f'x="{LEFT}" y="{top:.0f}" width="{length:.1f}" height="{BAR - 3}" rx="2" fill="{colour}"'
    number = _text(LEFT + length + 5, top + BAR - 4, f"{share:.2f}", "start", 'font-size="10"')
    title = escape(f"{peer}: {share:.2f}")
    return f"<g><rect {shape}/>{number}<title>{title}</title></g>"


def _scale(bottom: float) -> list[str]:
    """Return a line for every half of the baseline's cost."""
    lines: list[str] = []
    for step in range(int(MOST_SHARE * 2) + 1):
        x = _x(step / 2)
        lines.append(
            f'<path d="M{x:.1f} {TOP + 14} V{bottom - 8:.0f}" stroke="{INK if step == 2 else FAINT}"/>'
        )
        lines.append(_text(x, TOP + 10, f"{step / 2:g}", "middle", 'font-size="10"'))
    return lines


def _legend(peers: Sequence[str]) -> list[str]:
    parts: list[str] = []
    x = 16.0
    for colour, peer in zip(_colours(len(peers)), peers, strict=True):
        parts.append(f'<rect x="{x:.0f}" y="36" width="10" height="10" rx="2" fill="{colour}"/>')
        parts.append(_text(x + 14, 45, peer, "start"))
        x += 34 + 6.6 * len(peer)
    return parts


def _colours(count: int) -> list[str]:
    return [COLOURS[place % len(COLOURS)] for place in range(count)]


def _x(share: float) -> float:
    return LEFT + share / MOST_SHARE * (WIDTH - LEFT - RIGHT)


def _text(x: float, y: float, words: str, anchor: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{INK}" {more}>{escape(words)}</text>'
