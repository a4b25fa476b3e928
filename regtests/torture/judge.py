# SPDX-License-Identifier: Apache-2.0
"""What the figures are called, and which of them a proxy has to keep.

A promise holds on any machine, however busy. A target is a time or a size, and
is judged only in the long form, on a machine with nothing else to do.
"""
import dataclasses


@dataclasses.dataclass
class Row:
    title: str
    value: object                       # figures -> number or None
    most: object = None                 # number, or figures -> number
    least: object = None
    promise: bool = False
    digits: int = 0
    cases: tuple = ()                   # none: all
    unless: tuple = ()                  # but not these
    absent: bool = False                # may be absent


def key(name):
    return lambda f: f.get(name)


def part(name, field):
    return lambda f: f[name][field] if f.get(name, {}).get("n") else None


ROWS = [
    Row("requests sent", key("sent")),
    Row("requests lost", key("lost"), most=0, promise=True),
    Row("idle connections closed", key("closed"), most=0, promise=True),
    Row("tunnels, downloads, uploads cut", key("cut"), most=0, promise=True),
    Row("wrong, lost or doubled bytes", key("wrong"), most=0, promise=True),
    Row("still runs at the end", key("alive"), least=1, promise=True),
    Row("exchanges that never ended", key("unfinished"), most=0,
        promise=True),
    Row("answers of an old configuration, 1 s after the new one's first",
        key("stale"), most=0, promise=True),
    Row("most at once at a server with maxconn 4", key("queue_peak"),
        most=4, promise=True, absent=True),
    Row("old processes 2 s after the last reload", key("old_processes"),
        most=0, promise=True, unless=("kill",)),
    Row("upgrades that took place", key("upgrades"),
        least=lambda f: f.get("upgrades_wanted"), promise=True),
    Row("requests in the counters, %", key("counted_requests"), digits=1),
    Row("bytes of TCP tunnels in the counters, %", key("counted_tcp_bytes"),
        digits=1),
    Row("counters that differ from what clients counted",
        key("counters_wrong"), most=0, promise=True, absent=True),
    Row("counters that went back", key("counter_back"), most=0,
        promise=True, absent=True),
    Row("sessions still open in the counters", key("counter_open"), most=0,
        promise=True, absent=True),
    Row("table entries lost, of 500", key("entries_lost"), most=0,
        promise=True, absent=True),
    Row("requests and connections in tables that differ from counters",
        key("table_off"), most=0, promise=True, absent=True),
    Row("requests by which a rate is off", key("rate_off"), most=1,
        promise=True, absent=True),
    Row("connections and requests that tables still follow",
        key("table_open"), most=0, promise=True, absent=True),
    Row("descriptors the master gained", key("fds_master"), most=0,
        promise=True, unless=("kill",)),
    Row("old generation gone, ms: median", key("gone_ms"), digits=0),
    Row("old generation gone, ms: worst", key("gone_worst_ms"),
        cases=("reload", "upgrade", "mixed", "idle10k"), most=2000),
    Row("old generation gone, ms: worst", key("gone_worst_ms"),
        cases=("idle100k",), most=1000),
    Row("processes, most", key("processes_peak")),
    Row("PSS before, MiB", key("pss_steady_mib"), digits=1),
    Row("PSS at its peak, MiB", key("pss_peak_mib"), digits=1),
    Row("PSS after, MiB", key("pss_end_mib"), digits=1,
        most=lambda f: f["pss_steady_mib"] * 1.3, unless=("kill",)),
    Row("processor ms a reload, no connections", key("cpu_ms_empty"),
        digits=1, most=10, cases=("reload",)),
    Row("processor ms a reload, no connections", key("cpu_ms_empty"),
        digits=1, cases=("mixed", "idle10k")),
    Row("… all connections open", key("cpu_ms_full"), digits=1),
    Row("parsing, ms", key("parse_ms"), digits=1),
    Row("signal to first new answer, ms: median", key("first_answer_ms"),
        digits=1),
    Row("signal to first new answer, ms: worst",
        key("first_answer_worst_ms"), digits=1),
    Row("… beyond parsing, ms: median", key("beyond_parsing_ms"),
        digits=1, most=20, unless=("kill",)),
    Row("longest wait of a tunnel in 170 calm ms, ms: p50",
        part("pause_calm", "p50_ms"), digits=1),
    Row("… p99", part("pause_calm", "p99_ms"), digits=1),
    Row("… worst", part("pause_calm", "worst_ms"), digits=1),
    Row("longest wait of a tunnel while it crosses, ms: p50",
        part("pause_reload", "p50_ms"), digits=1),
    Row("… p99", part("pause_reload", "p99_ms"), digits=1),
    Row("… worst", part("pause_reload", "worst_ms"), digits=1,
        most=20, cases=("idle10k",)),
    Row("… worst", part("pause_reload", "worst_ms"), digits=1,
        cases=("reload", "upgrade", "mixed", "idle100k", "short")),
    Row("connections that crossed", key("crossed"), absent=True),
    Row("… served by nobody for, ms: mean", key("unserved_mean_ms"),
        digits=2, absent=True),
    Row("… 99 % of them at most", key("unserved_p99_ms"), digits=2,
        absent=True, most=2, cases=("idle10k",)),
    Row("… all of them at most", key("unserved_worst_ms"), digits=2,
        absent=True, most=20, cases=("idle10k",)),
    Row("… 99 % of them at most", key("unserved_p99_ms"), digits=2,
        absent=True, unless=("idle10k",)),
    Row("… all of them at most", key("unserved_worst_ms"), digits=2,
        absent=True, unless=("idle10k",)),
    Row("any message through a tunnel, calm, ms: p99",
        part("wait_calm", "p99_ms"), digits=1),
    Row("… while it crosses, ms: p50", part("wait_reload", "p50_ms"),
        digits=1),
    Row("… p99", part("wait_reload", "p99_ms"), digits=1),
    Row("the clients themselves late, calm, ms: worst",
        part("late_calm", "worst_ms"), digits=1),
    Row("… after a reload, ms: median", part("late_reload", "p50_ms"),
        digits=1),
    Row("… worst", part("late_reload", "worst_ms"), digits=1),
    Row("request, calm, ms: p99", part("latency_calm", "p99_ms"), digits=1),
    Row("request after a reload, ms: p99",
        part("latency_reload", "p99_ms"), digits=1),
    Row("request after a reload, ms: worst",
        part("latency_reload", "worst_ms"), digits=1),
    Row("workers killed", key("killed"), cases=("kill",)),
    Row("connections they held", key("connections_killed"),
        cases=("kill",)),
    Row("of these, broken", key("broken"), cases=("kill",)),
    Row("next request served, ms: median", key("served_middle_ms"),
        digits=1, cases=("kill",)),
    Row("next request served, ms: worst", key("served_ms"), digits=1,
        cases=("kill",), most=10),
    Row("new request meanwhile, ms: worst", key("kill_worst_ms"),
        digits=1, cases=("kill",)),
]


def rows_of(case):
    return [r for r in ROWS if (not r.cases or case.name in r.cases)
            and case.name not in r.unless]


def bound(limit, f):
    return limit(f) if callable(limit) else limit


def shown(value, digits):
    return "–" if value is None else f"{value:,.{digits}f}"


def kept(row, f):
    """Whether the figure is within its limits; None where there is none."""
    value = row.value(f)
    most, least = bound(row.most, f), bound(row.least, f)
    if most is None and least is None:
        return None
    if value is None:
        return row.absent
    return ((most is None or value <= most + 1e-9) and
            (least is None or value >= least - 1e-9))


def limit_text(row, f):
    most, least = bound(row.most, f), bound(row.least, f)
    if most is not None:
        return "≤ " + shown(most, row.digits)
    return "" if least is None else "≥ " + shown(least, row.digits)


def missed(case, f, only_promises):
    out = []
    for row in rows_of(case):
        if only_promises and not row.promise:
            continue
        if kept(row, f) is False:
            out.append(f"{row.title}: {shown(row.value(f), row.digits)}, "
                       f"limit {limit_text(row, f)}")
    return out


def brief(label, f):
    """One line for a list of tests that passed."""
    return (f"{label}: {f['sent']:,} requests, {f['lost']} lost, "
            f"{f['closed']} idle closed, {f['cut']} cut, {f['wrong']} wrong, "
            f"{f.get('old_processes', 0)} old processes; first new answer "
            f"after {shown(f['first_answer_ms'], 1)} ms")


def faults(label, f, most):
    """What went wrong, by kind; of each the first in detail."""
    kinds = {}
    for x in f["faults"]:
        kinds.setdefault((x["what"], x["crowd"], x["why"]), []).append(x)
    out = []
    for (what, crowd, why), some in list(kinds.items())[:most]:
        x = some[0]
        out.append(
            f"{label}: {what} {crowd}: {why} ({len(some)} told); the first: "
            f"index {x['index']}, client port {x['port']}, "
            f"{1000 * x['after_signal']:.1f} ms after a signal, "
            f"{1000 * x['age']:.1f} ms after it began, sent {x['sent']}, "
            f"got {x['got']}, through configuration {x['version']}\n")
    return "".join(out)


def table(case, results, only_promises):
    """A Markdown table: a row per figure, a column per proxy."""
    if not results:
        return ""
    first = next(iter(results.values()))
    head = [f"{case.name}: {case.about}"] + list(results) + ["limit"]
    body = []
    for row in rows_of(case):
        values = [row.value(f) for f in results.values()]
        if all(v is None for v in values):
            continue
        cells = []
        for value, f in zip(values, results.values()):
            judged = row.promise or not only_promises
            bad = judged and kept(row, f) is False
            cells.append(shown(value, row.digits) + (" ✗" if bad else ""))
        body.append([row.title] + cells + [limit_text(row, first)])
    widths = [max(len(r[i]) for r in [head] + body) for i in range(len(head))]

    def line(cells):
        first, *rest = cells
        return "| " + " | ".join([first.ljust(widths[0])] + [
            c.rjust(w) for c, w in zip(rest, widths[1:])]) + " |"

    rule = "|" + "|".join(["-" * (widths[0] + 2)] + [
        "-" * (w + 1) + ":" for w in widths[1:]]) + "|"
    return "\n".join(["", line(head), rule] + [line(r) for r in body])
