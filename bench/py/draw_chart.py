"""Draw the points that come as JSON on stdin: `PICTURE`."""

import json
import sys

import matplotlib  # type: ignore[import-not-found]  # only there where this runs

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "memory64"  # the same points make the same file

from matplotlib import pyplot  # noqa: E402


def main() -> None:
    points = json.load(sys.stdin)
    limits = [point["limit_gib"] for point in points]
    figure, axes = pyplot.subplots(figsize=(7.2, 4.0))
    axes.plot(
        limits, [p["bound"] for p in points], "--", color="0.6", label="bound of this machine"
    )
    axes.plot(limits, [p["ours"] for p in points], "o-", color="#1f6feb", label="memory64")
    if all(point["peer"] is not None for point in points):
        axes.plot(
            limits, [p["peer"] for p in points], "s-", color="#d29922", label="llama.cpp, mapped"
        )
    axes.set_xlabel("memory limit, GiB")
    axes.set_ylabel("tokens per second")
    axes.set_title("A 4.08 GB model (7B, Q4_K_M) under a memory limit", fontsize=11)
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    figure.tight_layout()
    figure.savefig(sys.argv[1], metadata={"Date": None})


main()
