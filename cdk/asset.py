"""The bundle as a CDK asset, kept in `cdk.out` by its fingerprint and made anew only when that changes."""

from pathlib import Path
from typing import Any

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk.aws_lambda import AssetCode, Code

from cdk.bundle import FUNCTIONS, bundle, fingerprint


@jsii.implements(ILocalBundling)
class Bundling:
    def try_bundle(self, output_dir: str, *_: Any, **__: Any) -> bool:
        """True, or BundleError: to return False would send CDK to Docker."""
        bundle(Path(output_dir))
        return True


def functions_code() -> AssetCode:
    return Code.from_asset(
        str(FUNCTIONS),
        asset_hash=fingerprint(),
        asset_hash_type=AssetHashType.CUSTOM,
        bundling=BundlingOptions(image=DockerImage.from_registry("never-used"), local=Bundling()),
    )
