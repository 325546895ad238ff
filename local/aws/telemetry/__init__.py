"""CloudWatch Logs, CloudWatch metrics and X-Ray traces of the local AWS."""
