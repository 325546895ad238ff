"""The option `robots` of a run, applied to each request of a row."""

from collections.abc import Iterable

from functions.core.model.errors import RowError
from functions.core.model.options import Options
from functions.core.model.reasons import Reason
from functions.core.web.deadlines import current_deadline
from functions.core.web.robots.cache import RobotsCache, robots_origin
from functions.core.web.robots.fleet import RobotsRequest
from functions.core.web.signals import OwnerSignals
from functions.core.web.target import request_target


class RobotsCheck:
    """Called before each request of one row: what robots.txt says is added to its signals. `crawl_delay` is that of the
    server of the last one, if it counts."""

    def __init__(self, cache: RobotsCache, options: Options, signals: OwnerSignals, *, verify_tls: bool) -> None:
        self._cache = cache
        self._options = options
        self._signals = signals
        self._verify_tls = verify_tls
        self.crawl_delay: float | None = None

    def __call__(self, url: str) -> None:
        """Raises RowError if this URL may not be requested."""
        try:
            self._check(url)
        except RowError as error:
            if self._options.robots == "obey":
                raise
            self._signals.record_disallowed(error.message)

    def _check(self, url: str) -> None:
        if "/robots.txt" in url and request_target(url).partition("?")[0] == "/robots.txt":
            return
        deadline = current_deadline()
        seconds = self._options.timeout if deadline is None else deadline.remaining
        rules = self._cache.rules(url, RobotsRequest(seconds, self._options.user_agent, self._verify_tls))
        if self._options.robots == "obey":
            self.crawl_delay = rules.crawl_delay
        target = request_target(url)
        self._signals.read_robots(rules.preferences(target))
        rule = rules.disallowing(target)
        if rule is not None:
            message = f"{robots_origin(url)}/robots.txt disallows this URL, in line {rule.line}: {rule}"
            raise RowError(Reason.ROBOTS, message)


class RunRobots:
    """robots.txt for the rows of a run; `options.robots` is obey or record."""

    def __init__(self, cache: RobotsCache, options: Options) -> None:
        self._cache = cache
        self._options = options

    def look_up(self, urls: Iterable[str]) -> None:
        """Before the rows of a round: one look-up in the hosts table instead of one for each host."""
        self._cache.look_up(urls)

    def crawl_delay(self, host: str) -> float | None:
        """That of a host, if it is known and counts."""
        return self._cache.crawl_delay(host) if self._options.robots == "obey" else None

    def check(self, signals: OwnerSignals, *, verify_tls: bool) -> RobotsCheck:
        """For one row."""
        return RobotsCheck(self._cache, self._options, signals, verify_tls=verify_tls)
