"""What does it cost to stand between JavaScript and Python?"""

from bench.addon import busy_loop, cancelling, layer_or_read, require, round_trips
from bench.table import Table


def run() -> Table:
    table = Table("The addon: what does it cost to stand between JavaScript and Python?")
    for part in (round_trips, layer_or_read, busy_loop, cancelling, require):
        table.add(*part.rows())
    return table
