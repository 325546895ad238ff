"""A clock that the tests move."""


class FakeClock:
    """Returns `seconds`, as `time.monotonic` does."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds
