"""The CDK app: `python -m cdk.app` synthesizes the stack into `cdk.out`, or into the folder that the CDK CLI sets."""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from aws_cdk import App

from cdk.settings import Settings, SettingsError
from cdk.stack import ImageMirror

CDK_JSON = Path(__file__).parent.parent / "cdk.json"


def build(context: Mapping[str, object] | None = None, *, outdir: str | None = None) -> App:
    """Create the app with the feature flags and settings of `cdk.json`.

    `context` overrides `cdk.json`; values of the CDK command line (`-c key=value`) override both.
    Raises SettingsError.
    """
    defaults = json.loads(CDK_JSON.read_text())["context"]
    app = App(context={**defaults, **(context or {})}, outdir=outdir, analytics_reporting=False)
    settings = Settings.from_context(app.node.get_all_context())
    ImageMirror(app, settings.stack_name, settings=settings)
    return app


def main() -> None:
    try:
        app = build(outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
    except SettingsError as error:
        sys.exit(str(error))
    except RuntimeError as error:  # jsii raises this for every error that passes through Node, BundleError included
        if "Failed to bundle" not in str(error):
            raise
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
