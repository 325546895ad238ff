# Reads the outputs of a deployed stack of Image Mirror, subscribes to the end of its runs, and writes a policy for those
# who may start runs.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "stack_name" {
  type    = string
  default = "ImageMirror"
}

variable "mail" {
  description = "Mail address that receives a message when a run has ended."
  type        = string
}

data "aws_cloudformation_stack" "mirror" {
  name = var.stack_name
}

locals {
  outputs = data.aws_cloudformation_stack.mirror.outputs
}

resource "aws_sns_topic_subscription" "ended_runs" {
  topic_arn     = local.outputs["TopicArn"]
  protocol      = "email"
  endpoint      = var.mail
  filter_policy = jsonencode({ type = ["run_completed", "run_failed", "run_cancelled"] })
}

data "aws_partition" "current" {}

data "aws_iam_policy_document" "start_runs" {
  statement {
    actions   = ["s3:PutObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::${local.outputs["InputBucket"]}/manifests/*"]
  }

  statement {
    actions = ["s3:GetObject"]
    resources = [
      "arn:${data.aws_partition.current.partition}:s3:::${local.outputs["InputBucket"]}/runs/*",
      "arn:${data.aws_partition.current.partition}:s3:::${local.outputs["ImagesBucket"]}/${local.outputs["ImagesPrefix"]}*",
    ]
  }
}

resource "aws_iam_policy" "start_runs" {
  name_prefix = "image-mirror-start-runs-"
  policy      = data.aws_iam_policy_document.start_runs.json
}

output "upload" {
  description = "Command that starts a run of list.csv."
  value       = "aws s3 cp list.csv s3://${local.outputs["InputBucket"]}/manifests/"
}

output "api_url" {
  value = local.outputs["ApiUrl"]
}
