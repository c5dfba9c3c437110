"""Print when each step on the way to the first layer was over, in seconds since 1970: `PATH`."""

import json
import sys
import time


def main() -> None:
    over = {"python starts": time.time()}
    from memory64 import load_model

    over["import memory64"] = time.time()
    with load_model(sys.argv[1]) as model:
        over["load_model"] = time.time()
        first_byte = int(model.get_layer(0)["attn_q.weight"].data[0])
        over["get_layer, first byte read"] = time.time()
        print(json.dumps({"over": over, "firstByte": first_byte}), flush=True)


main()
