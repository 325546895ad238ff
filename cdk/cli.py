"""`python -m cdk.cli deploy|destroy …` runs the CDK CLI on the synthesized stack, with the Node.js of the wheel."""

import os
import subprocess
import sys
from pathlib import Path

ASSEMBLY = "cdk.out"
NODE = Path(os.environ["JSII_NODE"])
NPX = NODE.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npx-cli.js"


def main() -> int:
    command = [str(NODE), str(NPX), "--yes", "aws-cdk@2", *sys.argv[1:], "--app", ASSEMBLY]
    path = f"{NODE.parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return subprocess.run(command, env={**os.environ, "PATH": path}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
