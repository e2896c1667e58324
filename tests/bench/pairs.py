"""pairs - what two ways to the same page cost, measured in pairs: compare() one kind of page, show() a table of them."""
import statistics


def percentile(values, percent):
    values = sorted(values)
    return values[min(len(values) - 1, round(percent / 100 * (len(values) - 1)))]


def compare(pairs, kind):
    """Of the two in each pair, and of all of them: a machine that is busy for a while is so for both of a pair."""
    broker, direct = ([pair[side][kind] for pair in pairs] for side in ("broker", "direct"))
    ratios = [b / d for b, d in zip(broker, direct)]
    spread = {side: {"p5": percentile(ms, 5), "median": round(statistics.median(ms), 1), "p95": percentile(ms, 95)}
              for side, ms in (("broker", broker), ("direct", direct))}
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
