"""Columns that the option `key_template` names."""

from collections.abc import Sequence

from functions.core.model.errors import InvalidManifest
from functions.core.model.keys.fields import FIELDS
from functions.core.model.keys.templates import KeyTemplate, known_fields


def check_key_columns(template: KeyTemplate, columns: Sequence[str], *, complete: bool) -> str:
    """A sentence about each field that has the name of a column. Raises InvalidManifest for an unknown field.

    `columns` are the user's own ones. If they are not `complete`, only rows that lack a column fail.
    """
    names = {name.strip() for name in columns}
    unknown = [name for name in template.columns if name.strip() not in names]
    if unknown and complete:
        raise InvalidManifest(
            f"Option 'key_template' has {{{unknown[0]}}}, which is neither a field nor a column of the manifest. "
            f"{known_fields(columns)}"
        )
    both = sorted(names & {field.name for field in template.fields if not field.is_column})
    return " ".join(
        f"{{{name}}} in key_template is the {FIELDS[name]}; {{column[{name}]}} is the column of the manifest."
        for name in both
    )
