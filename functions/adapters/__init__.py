"""S3, DynamoDB and SNS behind the small interfaces that `core.ports` asks for."""
