"""The template with a bucket and a prefix that exist already: the stack uses the bucket and does not configure it."""

import json
from pathlib import Path

import pytest

from cdk import check
from cdk.settings import Settings, SettingsError
from tests.infra.conftest import synthesized
from tests.infra.rendered import Template
from tests.infra.upgrade import replacements, stateful_resources

BUCKET, PREFIX = "company-media", "mirror/pictures/"
KEY = "arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OBJECTS = f"arn:<AWS::Partition>:s3:::{BUCKET}/{PREFIX}*"


@pytest.fixture(scope="module")
def settings() -> Settings:
    return Settings(images_bucket=BUCKET, images_prefix=PREFIX, images_bucket_key_arn=KEY)


@pytest.fixture(scope="module")
def existing(tmp_path_factory: pytest.TempPathFactory, settings: Settings) -> Template:
    return Template(json.loads(synthesized(settings, tmp_path_factory.mktemp("cdk.out")).read_text()))


def test_the_stack_has_the_input_bucket_only(existing: Template) -> None:
    [name] = existing.all("AWS::S3::Bucket")

    assert name.startswith("BucketsInput")


def test_all_other_stateful_resources_are_those_of_a_stack_with_its_own_bucket(
    template: Template, existing: Template
) -> None:
    before = stateful_resources(template.body)
    [images] = [name for name in before if name.startswith("BucketsImages")]

    assert list(replacements(before, stateful_resources(existing.body))) == [
        f"{images} (AWS::S3::Bucket) has another logical id or type, or is removed"
    ]


def test_the_default_prefix_is_nowhere_in_the_template(template: Template, existing: Template) -> None:
    assert "images/" in json.dumps(template.body)
    assert "images/" not in json.dumps(existing.body)


@pytest.mark.parametrize("module", ["download_batch", "api"])
def test_the_functions_that_use_images_know_the_bucket_and_the_prefix(existing: Template, module: str) -> None:
    variables = existing.environment(module)

    assert (variables["IMAGES_BUCKET"], variables["IMAGES_PREFIX"]) == (BUCKET, PREFIX)


def test_the_report_links_to_images_by_the_prefix(existing: Template) -> None:
    assert existing.environment("summarize_run")["IMAGES_PREFIX"] == PREFIX


def test_the_outputs_name_the_bucket_and_the_prefix(existing: Template) -> None:
    outputs = existing.body["Outputs"]

    assert (outputs["ImagesBucket"]["Value"], outputs["ImagesPrefix"]["Value"]) == (BUCKET, PREFIX)


@pytest.mark.parametrize(
    ("role", "actions", "key_actions"),
    [
        ("DownloadBatchRole", {"s3:PutObject", "s3:GetObject"}, {"kms:Decrypt", "kms:GenerateDataKey"}),
        ("ApiRole", {"s3:GetObject"}, {"kms:Decrypt"}),
        ("PrepareRunRole", set(), set()),
        ("SummarizeRunRole", set(), set()),
        ("WorkflowStateMachineRole", set(), set()),
    ],
)
def test_a_role_may_use_the_objects_under_the_prefix_and_the_key_only(
    existing: Template, role: str, actions: set[str], key_actions: set[str]
) -> None:
    rights = existing.rights(role)

    assert {action for action, resource in rights if BUCKET in resource or PREFIX in resource} == actions
    assert {action for action, resource in rights if resource == OBJECTS} == actions
    assert {action for action, resource in rights if resource == KEY} == key_actions


def test_without_a_key_there_is_no_right_for_one(tmp_path: Path) -> None:
    file = synthesized(Settings(images_bucket=BUCKET), tmp_path)
    rights = Template(json.loads(file.read_text())).rights("ApiRole")

    assert not [action for action, _ in rights if action.startswith("kms:")]
    assert ("s3:GetObject", f"arn:<AWS::Partition>:s3:::{BUCKET}/images/*") in rights


def test_a_prefix_is_also_used_in_the_bucket_of_the_stack(tmp_path: Path) -> None:
    file = synthesized(Settings(images_prefix="a/"), tmp_path)
    template = Template(json.loads(file.read_text()))

    [bucket] = [name for name in template.all("AWS::S3::Bucket") if name.startswith("BucketsImages")]
    assert ("s3:GetObject", f"<{bucket}.Arn>/a/*") in template.rights("ApiRole")


def test_cdk_nag_has_no_unacknowledged_finding_and_no_obsolete_acknowledgement(
    tmp_path: Path, settings: Settings
) -> None:
    assert check.nag(str(tmp_path), settings) == []


def test_the_template_passes_cfn_lint(tmp_path: Path, settings: Settings) -> None:
    assert check.lint(synthesized(settings, tmp_path)) == []


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        (
            {"images_bucket": BUCKET, "glacier_object_size_greater_than": 0},
            "Setting 'glacier_object_size_greater_than' in the CDK context has no effect with 'images_bucket': an "
            "existing bucket keeps the lifecycle rules of its owner. Remove one of them.",
        ),
        (
            {"images_bucket_key_arn": KEY},
            "Setting 'images_bucket_key_arn' in the CDK context has no effect without 'images_bucket': the stack's own "
            "bucket is encrypted with a key of S3. Remove it, or set both.",
        ),
    ],
)
def test_a_setting_without_effect_is_refused(context: dict[str, object], sentence: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings.from_context(context)

    assert str(raised.value) == sentence


def test_the_owner_s_lifecycle_is_not_part_of_an_estimate() -> None:
    assert Settings(images_bucket=BUCKET).glacier_from_bytes is None
