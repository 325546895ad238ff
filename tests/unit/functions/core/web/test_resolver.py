"""The cache of names."""

from collections.abc import Sequence
from types import SimpleNamespace

import pytest

from functions.core.model.errors import RowError
from functions.core.model.reasons import Reason
from functions.core.web import resolver as resolver_module
from functions.core.web.resolver import Resolver, look_up


class Names:
    """Counts the lookups, and has a clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 100.0
        self.asked: list[str] = []
        self.answer: Sequence[str] = ("192.0.2.1", "192.0.2.2")
        self.resolver = Resolver(self._look_up)
        monkeypatch.setattr(resolver_module, "time", SimpleNamespace(monotonic=lambda: self.now))

    def _look_up(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self.answer

    def resolve(self, name: str) -> Sequence[str]:
        return self.resolver.addresses(name, 5)


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Names:
    return Names(monkeypatch)


@pytest.mark.parametrize(("seconds", "lookups"), [(0, 1), (29, 1), (30, 1), (30.5, 2)])
def test_an_answer_is_kept_for_thirty_seconds(names: Names, seconds: float, lookups: int) -> None:
    names.resolve("a.test")
    names.now += seconds

    assert names.resolve("a.test") == ("192.0.2.1", "192.0.2.2")
    assert names.asked == ["a.test"] * lookups


@pytest.mark.parametrize(("most", "lookups"), [(2, ["a", "b", "c", "a"]), (3, ["a", "b", "c"])])
def test_the_cache_is_emptied_when_it_is_full(
    names: Names, most: int, lookups: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resolver_module, "MAX_NAMES", most)
    for name in ("a", "b", "c", "a"):
        names.resolve(name)

    assert names.asked == lookups


def test_the_cache_has_4096_names(names: Names) -> None:
    assert resolver_module.MAX_NAMES == 4096


def test_a_name_without_an_address_is_a_failed_row(names: Names) -> None:
    names.answer = ()

    with pytest.raises(RowError, match="the host name has no address") as raised:
        names.resolve("a.test")

    assert raised.value.reason is Reason.DNS


def test_a_failed_lookup_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Exception] = [OSError("a"), OSError("b")]
    resolver = Resolver(lambda name: [str(raise_(answers.pop()))])

    for left in (1, 0):
        with pytest.raises(RowError, match="the host name cannot be resolved"):
            resolver.addresses("a.test", 5)
        assert len(answers) == left


def raise_(error: Exception) -> None:
    raise error


def test_the_system_resolves_each_address_once() -> None:
    assert look_up("127.0.0.1") == ("127.0.0.1",)
