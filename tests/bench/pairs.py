"""pairs - what two ways to the same page cost, measured in pairs: compare() one kind of page, show() a table of them, and
show_loads() what the loads were made of. A visit is what tests/bench/page.c said of each way's pages."""
import collections
import statistics

WAYS = ("broker", "direct")
# Until the page was asked for, its first file had come, all of it had, its scripts had run: by the page's own clock.
STEPS = ("asked_ms", "html_ms", "last_ms", "ready_ms", "page_ms")
PROGRAMS_SHOWN = 8


def times(visits, kinds):
    return [{way: {kind: visit[way][kind]["ms"] for kind in kinds} for way in WAYS} for visit in visits]


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, round(percent / 100 * (len(values) - 1)))]


def compare(pairs, kind):
    """Of the two in each pair, and of all of them: a machine that is busy for a while is so for both of a pair."""
    broker, direct = ([pair[way][kind] for pair in pairs] for way in WAYS)
    ratios = [b / d for b, d in zip(broker, direct)]
    spread = {side: {"p5": percentile(ms, 5), "median": round(statistics.median(ms), 1), "p95": percentile(ms, 95)}
              for side, ms in zip(WAYS, (broker, direct))}
    return {"ratio_median": round(statistics.median(ratios), 3),
            "ratio_p95": round(spread["broker"]["p95"] / spread["direct"]["p95"], 3),
            "ratio_of_medians": round(spread["broker"]["median"] / spread["direct"]["median"], 3),
            "pair_ratio_p5": round(percentile(ratios, 5), 3), "pair_ratio_p95": round(percentile(ratios, 95), 3), **spread}


def show(table):
    print(f"{'':16}{'broker ms':>24}{'direct ms':>24}{'ratio':>24}")
    print(f"{'':16}" + f"{'p5':>8}{'median':>8}{'p95':>8}" * 2 + f"{'median':>8}{'p95':>8}{'pairs':>16}")
    for protocol, kinds in table.items():
        for kind, row in kinds.items():
            times = "".join(f"{row[side][key]:8.0f}" for side in ("broker", "direct") for key in ("p5", "median", "p95"))
            print(f"{protocol:8}{kind:8}{times}{row['ratio_median']:8.3f}{row['ratio_p95']:8.3f}"
                  f"{row['pair_ratio_p5']:8.2f} to{row['pair_ratio_p95']:5.2f}")


def processor(load):
    """Milliseconds by program: process numbers and kernel threads' are no use to a reader."""
    total = collections.Counter()
    for name, ms in load["cpu_ms"].items():
        total[name.rsplit(" ", 1)[0].split("/")[0]] += ms
    return total


def show_loads(visits, kinds):
    """Medians of all visits: the page's steps, and what the machine did meanwhile."""
    for kind in kinds:
        for way in WAYS:
            loads = [visit[way][kind] for visit in visits]
            middle = {key: statistics.median(load[key] for load in loads) for key in (*STEPS, "idle_ms", "faults", "free_mb")}
            spent = [processor(load) for load in loads]
            programs = {name: statistics.median(one[name] for one in spent) for one in spent for name in one}
            most = sorted(programs.items(), key=lambda item: -item[1])[:PROGRAMS_SHOWN]
            print(f"# {kind} {way}: " + ", ".join(f"{step[:-3]} {middle[step]:.0f}" for step in STEPS) +
                  f"; processor {sum(programs.values()):.0f} (" + ", ".join(f"{name} {ms:.0f}" for name, ms in most) +
                  f"), idle {middle['idle_ms']:.0f}, {middle['faults']:.0f} pages from disk, {middle['free_mb']:.0f} MB free")
