"""The CDK app: `python -m cdk.app` synthesizes the stack into `cdk.out`, or where the CDK command says."""

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
    """The app as cdk.json configures it: feature flags and settings come from there, whoever builds it.

    `context` is laid over cdk.json; what the CDK command line gives (`-c key=value`) wins over both.
    Raises SettingsError.
    """
    configured = json.loads(CDK_JSON.read_text())["context"]
    app = App(context={**configured, **(context or {})}, outdir=outdir, analytics_reporting=False)
    ImageMirror(app, "ImageMirror", settings=Settings.from_context(app.node.get_all_context()))
    return app


def main() -> None:
    try:
        app = build(outdir=os.environ.get("CDK_OUTDIR", "cdk.out"))
    except SettingsError as error:
        sys.exit(str(error))
    except RuntimeError as error:  # every error comes back from Node as this one; a BundleError's text is in it
        if "Failed to bundle" not in str(error):
            raise
        sys.exit(str(error))
    app.synth()


if __name__ == "__main__":
    main()
