"""The OpenAPI document of the API: `python -m docs.openapi` writes docs/openapi.json."""

import json
from pathlib import Path

from functions.api import app

DOCUMENT = Path(__file__).with_name("openapi.json")


def document() -> str:
    """The same text for the same routes and models, so that a change of the API is a difference of the file."""
    return json.dumps(json.loads(app.get_openapi_json_schema()), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
