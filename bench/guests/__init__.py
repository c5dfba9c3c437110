"""What do WebAssembly guests pay for the model's bytes?"""

from bench.guests import calls, copying, instantiating, scanning
from bench.table import Table


def run() -> Table:
    table = Table("Guests: what does it cost to use the model from inside the sandbox?")
    for part in (calls, copying, scanning, instantiating):
        table.add(*part.rows())
    return table
