"""Results as Markdown: pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from rig.figures import Figure, Results, meets_goal
from rig.machine import Machine
from rig.rows import Row

NOTHING = "-"
NOISE = 0.05
"""The share of the proxy's processor that others may have before the reader is warned."""

INTRODUCTION = """\
Written by `make bench`. Each proxy stands alone on one processor with one worker; the load and one nginx as
the backend share another. `floor` is a program that makes a proxy's system calls without TLS and without
HTTP: what it costs is the machine's share. (With HTTP/2 a slower program finds more to do at each turn
and makes fewer calls for it, so there the floor is a sign-post and no bound.)"""
COST = """\
Processor time of the proxy, user and system, in microseconds for each unit of work; memory in KiB and MiB.
Median of the runs; less is better."""
SHARES = """\
Less is better. A share is the median of the runs' shares, since what disturbs a run disturbs all in it; it
need not be the quotient of the medians below. Where the goal is an amount, the amount stands below."""
PARTS = "User + system time of the median; in brackets the least and the most of all runs."
METHOD = """\
- The figure is what `/proc/PID/stat` says of all processes of the proxy, before and after {seconds:g} s of
  work, divided by the units of work that were answered in between; a warm-up goes before and is not counted.
- The load polls and never sleeps, and takes turns with the backend without interrupting it: a proxy would pay
  for waking their processor with each write, which no proxy on a network does.
- Every proxy is started anew for every figure: all in turn for each row, all rows in each run.
- The client offers {suite} and {group} only, trusts one self-made P-256 certificate, checks the server's
  signature, and checks status and length of every answer. A figure counts only when each handshake was what
  the row says: all full, or all resumed, and none at all while it is measured where connections are kept.
- A handshake stands for a whole connection: connect, handshake, one request for 1 KiB, close.
- Memory is what the processes of a program hold together; a page that they share counts once. That of an idle
  connection is the growth with {idle} of them open, each after one request, divided by their number.
- All pass request bodies on as they come (nginx: `proxy_request_buffering off`), keep connections to the
  backend, write no access log, and set the usual `X-Forwarded-` headers."""


@dataclass(frozen=True, slots=True)
class Circumstances:
    """How the figures came about."""

    machine: Machine
    versions: Mapping[str, str]
    """By column."""
    command: str
    runs: int
    seconds: float
    idle_connections: int
    suite: str
    group: str


def render(results: Results, how: Circumstances) -> str:
    """Return the whole page."""
    method = METHOD.format(
        seconds=how.seconds, suite=how.suite, group=how.group, idle=f"{how.idle_connections:,}"
    )
    blocks = [
        *("# Bench results", INTRODUCTION, *_noise(results)),
        *_shares(results),
        *("## Cost", COST, _cells(results, _cost)),
        *("## Where the time goes, and how far runs differ", PARTS, _cells(results, _parts)),
        *_failures(results),
        *("## How it was measured", f"{_facts(how)}\n{method}"),
    ]
    return "\n\n".join(blocks) + "\n"


def amount(value: float) -> str:
    """Return a number with as many digits as mean something."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}"


def table(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are numbers, all but the first."""
    rule = ["---", *["--:"] * (len(head) - 1)]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [head, rule, *lines])


def goal(row: Row) -> str:
    """Return a row's goal in words."""
    if row.most_value is not None:
        return f"≤ {row.most_value:g} {row.unit}"
    return f"≤ {row.most_share:.2f}" if row.most_share is not None else NOTHING


def _cells(results: Results, cell: Callable[[Row, Figure | None], str]) -> str:
    lines = [
        [f"{row.title} ({row.unit})", *(cell(row, results.figure(row.id, peer)) for peer in results.peers)]
        for row in results.rows
    ]
    return table(["work", *results.peers], lines)


def _cost(_: Row, figure: Figure | None) -> str:
    return amount(figure.value) if figure else NOTHING


def _parts(row: Row, figure: Figure | None) -> str:
    if figure is None:
        return NOTHING
    spread = f"({amount(figure.least)} to {amount(figure.most)})"
    return f"{amount(figure.user)} + {amount(figure.system)} {spread}" if row.kind == "time" else spread


def _shares(results: Results) -> list[str]:
    if results.baseline is None:
        return []
    ours, *others = results.peers
    lines = [_share_line(results, row, ours, others) for row in results.rows]
    heading = f"## As a share of {results.baseline} in the same run"
    return [heading, SHARES, table(["work", ours, "goal", "reached", *others], lines)]


def _share_line(results: Results, row: Row, ours: str, others: Sequence[str]) -> list[str]:
    figure = results.figure(row.id, ours)
    reached = meets_goal(row, figure) if figure else None
    word = NOTHING if reached is None else "yes" if reached else "no"
    rest = [_share(results.figure(row.id, peer)) for peer in others]
    return [row.title, _share(figure), goal(row), word, *rest]


def _share(figure: Figure | None) -> str:
    return f"{figure.share:.2f}" if figure and figure.share is not None else NOTHING


def _noise(results: Results) -> list[str]:
    others = results.most_others()
    warning = (
        f"**The machine was busy with other work**: up to {others:.0%} of the proxy's processor\n"
        "went to other programs while something was measured. Take the figures again when it is quiet."
    )
    return [warning] if others > NOISE else []


def _failures(results: Results) -> list[str]:
    lines = [f"- {each.peer}, {each.row}, run {each.run}: {each.reason}" for each in results.failures]
    return ["## Figures that could not be taken", "\n".join(lines)] if lines else []


def _facts(how: Circumstances) -> str:
    machine = how.machine
    hardware = f"{machine.processor}, {machine.processors} processors, {machine.memory_mib} MiB"
    versions = " · ".join(f"{name} {version}" for name, version in how.versions.items())
    facts = [
        f"Command: `{how.command}`, runs: {how.runs}, {machine.day}, commit {machine.commit}",
        f"Machine: {hardware}, {machine.kernel}, {machine.system}",
        f"Versions: {versions}",
    ]
    return "\n".join(f"- {fact}" for fact in facts)
