"""The settings of a deployment: those of `cdk.json`, and those of the command line, which take precedence."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from cdk.account.errors import AccountError
from cdk.settings import Settings, SettingsError

FILE = Path(__file__).parents[2] / "cdk.json"


def given_settings(pairs: Iterable[str], stack_name: str, *, name: str) -> dict[str, str]:
    """The settings of `name=value` pairs, and the name of the stack. Raises AccountError.

    `name` is how the user gave the pairs: `--setting`, or SETTINGS with make.
    """
    given = {}
    for pair in pairs:
        setting, separator, value = pair.partition("=")
        if not separator or not setting:
            raise AccountError(f"{name} takes name=value, such as contact=me@example.org; '{pair}' is not such a pair.")
        given[setting.strip().replace("-", "_")] = value
    return given | ({"stack_name": stack_name} if stack_name else {})


def settings(given: Mapping[str, str]) -> Settings:
    """Raises AccountError."""
    try:
        return Settings.from_context({**json.loads(FILE.read_text())["context"], **given})
    except SettingsError as error:
        raise AccountError(str(error)) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AccountError(f"Cannot read the settings from {FILE}: {error!r}.") from error
