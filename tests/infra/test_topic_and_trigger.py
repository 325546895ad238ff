from tests.infra.rendered import Template

ALARMS = {"Service": "cloudwatch.amazonaws.com"}
THIS_ACCOUNT = {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_the_topic_has_its_own_key_with_rotation(template: Template) -> None:
    [key] = template.all("AWS::KMS::Key")

    assert template.only("AWS::KMS::Key")["EnableKeyRotation"] is True
    assert template.text(template.only("AWS::SNS::Topic")["KmsMasterKeyId"]) == f"<{key}.Arn>"


def test_alarms_of_this_account_may_publish_and_use_the_key(template: Template) -> None:
    topic = template.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]
    key = template.only("AWS::KMS::Key")["KeyPolicy"]["Statement"]

    [publish] = [each for each in topic if each["Principal"] == ALARMS]
    [use] = [each for each in key if each["Principal"] == ALARMS]
    assert publish["Action"] == "sns:Publish"
    assert set(use["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey"}
    assert publish["Condition"] == use["Condition"] == THIS_ACCOUNT


def test_the_topic_refuses_plain_http(template: Template) -> None:
    statements = template.only("AWS::SNS::TopicPolicy")["PolicyDocument"]["Statement"]

    assert {"Bool": {"aws:SecureTransport": "false"}} in [
        each["Condition"] for each in statements if each["Effect"] == "Deny"
    ]


def test_only_objects_with_content_under_manifests_start_a_run(template: Template) -> None:
    [bucket] = [name for name in template.all("AWS::S3::Bucket") if name.startswith("BucketsInput")]

    assert template.only("AWS::Events::Rule", "Trigger")["EventPattern"] == {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {
            "bucket": {"name": [{"Ref": bucket}]},
            "object": {"key": [{"prefix": "manifests/"}], "size": [{"numeric": [">", 0]}]},
        },
    }


def test_the_rule_passes_the_whole_event_to_the_state_machine(template: Template) -> None:
    state_machine, _ = sorted(template.all("AWS::StepFunctions::StateMachine"), reverse=True)
    [target] = template.only("AWS::Events::Rule", "Trigger")["Targets"]

    assert target["Arn"] == {"Ref": state_machine}
    assert not {"Input", "InputPath", "InputTransformer"} & target.keys()


def test_an_event_that_cannot_be_delivered_ends_in_the_dead_letter_queue(template: Template) -> None:
    [queue] = [name for name in template.all("AWS::SQS::Queue") if name.startswith("Trigger")]
    [target] = template.only("AWS::Events::Rule", "Trigger")["Targets"]
    policy = template.only("AWS::SQS::QueuePolicy", "Trigger")["PolicyDocument"]["Statement"]

    assert template.text(target["DeadLetterConfig"]["Arn"]) == f"<{queue}.Arn>"
    assert target["RetryPolicy"] == {"MaximumEventAgeInSeconds": 86400, "MaximumRetryAttempts": 185}
    assert template.only("AWS::SQS::Queue", "Trigger")["SqsManagedSseEnabled"] is True
    assert [each["Principal"] for each in policy if each["Effect"] == "Allow"] == [{"Service": "events.amazonaws.com"}]
    assert [each["Condition"] for each in policy if each["Effect"] == "Deny"] == [
        {"Bool": {"aws:SecureTransport": "false"}}
    ]
