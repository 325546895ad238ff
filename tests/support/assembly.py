"""The cloud assembly that the integration tests deploy."""

import os
from pathlib import Path

VARIABLE = "IMAGE_MIRROR_ASSEMBLY"
"""Environment variable with the folder of another assembly, such as one without a grant (tests/permissions)."""

CDK_OUT = Path(__file__).parents[2] / "cdk.out"


def folder() -> Path:
    return Path(os.environ.get(VARIABLE) or CDK_OUT)
