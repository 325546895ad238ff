"""Checks that a program does not pass, for a reason of its own. They must fail: a release that passes is seen."""

DIFFERENCES = {
    ("ministack", "test_keys_that_a_response_leaves_unprocessed_are_read_again"): (
        "ministack returns more than 16 MB in a response of BatchGetItem, and leaves no key unprocessed."
    ),
    ("ministack", "test_the_template_is_accepted_whole"): (
        "ministack's CloudFormation has no AWS::Logs::QueryDefinition (4 saved queries) and no Metrics of an"
        " AWS::CloudWatch::Alarm (28 alarms). The other checks leave these out, and the policies that deny HTTP."
    ),
    ("ministack", "test_the_map_gives_its_children_batches_and_they_store_the_images"): (
        "ministack's Map reads the manifest, and ignores ItemBatcher: a child gets one row and no BatchInput, and"
        " DownloadBatch fails. It ignores ResultWriter and MaxConcurrencyPath, too."
    ),
}
"""The reason by program and name of the test."""
