"""The bundle of the functions as a CDK asset: cached in `cdk.out` by its fingerprint, rebuilt when that changes."""

from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk.aws_lambda import Code

from cdk.bundle import FUNCTIONS, bundle, fingerprint
from cdk.resources.functions import FunctionsCode


@jsii.implements(ILocalBundling)
class LocalBundling:
    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Return True or raise BundleError. On False, CDK would fall back to Docker."""
        bundle(Path(output_dir))
        return True


def functions_code() -> FunctionsCode:
    code_hash = fingerprint()
    asset = Code.from_asset(
        str(FUNCTIONS),
        asset_hash=code_hash,
        asset_hash_type=AssetHashType.CUSTOM,
        # CDK requires a Docker image here; local bundling never falls back to it.
        bundling=BundlingOptions(image=DockerImage.from_registry("unused"), local=LocalBundling()),
    )
    return FunctionsCode(asset, code_hash)
