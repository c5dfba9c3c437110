"""Why a bench could not be run."""


class BenchError(Exception):
    """A figure could not be taken, or would not have meant what its row says."""
