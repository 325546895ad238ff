"""The bundles of the functions as CDK assets: cached in `cdk.out` by their fingerprints, rebuilt when those change."""

from collections.abc import Sequence
from pathlib import Path

import jsii
from aws_cdk import AssetHashType, BundlingOptions, DockerImage, ILocalBundling
from aws_cdk.aws_lambda import Code

from cdk.bundle import FUNCTIONS, bundle, fingerprint
from cdk.resources.functions import FunctionsCode


@jsii.implements(ILocalBundling)
class LocalBundling:
    def __init__(self, more: Sequence[Path] = ()) -> None:
        self._more = more

    def try_bundle(self, output_dir: str, *_: object, **__: object) -> bool:
        """Return True or raise BundleError. On False, CDK would fall back to Docker."""
        bundle(Path(output_dir), more=self._more)
        return True


def functions_code(more: Sequence[Path] = ()) -> FunctionsCode:
    """`more` are locks of dependencies in addition to those of all functions."""
    code_hash = fingerprint(more=more)
    asset = Code.from_asset(
        str(FUNCTIONS),
        asset_hash=code_hash,
        asset_hash_type=AssetHashType.CUSTOM,
        # CDK requires a Docker image here; local bundling never falls back to it.
        bundling=BundlingOptions(image=DockerImage.from_registry("unused"), local=LocalBundling(more)),
    )
    return FunctionsCode(asset, code_hash)
