"""Where everything is: moto keeps a cloud for each account, region and partition."""

ACCOUNT = "123456789012"
REGION = "us-east-1"
PARTITION = "aws"
