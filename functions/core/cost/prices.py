"""AWS prices in dollars: us-east-1, on demand, without free tiers.

`source` is the AWS pricing page, as read on 2026-11-23. On 2026-11-25 each figure was compared with public pages that
repeat it (cloudchipr.com, airbyte.com, wring.co, c3x.dev, factualminds.com; for Standard-IA infracost's tests), except
for the requests of Glacier Instant Retrieval, for which no such page was found. All estimates use these constants.
"""

from collections.abc import Mapping
from dataclasses import dataclass

MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Price:
    """Price of one `unit`, in dollars."""

    dollars: float
    unit: str
    source: str


S3 = "aws.amazon.com/s3/pricing"
DYNAMODB = "aws.amazon.com/dynamodb/pricing/on-demand"
STEP_FUNCTIONS = "aws.amazon.com/step-functions/pricing"
LAMBDA = "aws.amazon.com/lambda/pricing"
CLOUDWATCH = "aws.amazon.com/cloudwatch/pricing"

S3_PUT = Price(0.005 / 1000, "PUT or LIST", S3)
S3_PUT_INFREQUENT = Price(0.01 / 1000, "PUT into Standard-IA", S3)
S3_PUT_GLACIER = Price(0.02 / 1000, "PUT into Glacier Instant Retrieval", S3)
S3_PUT_INTO: Mapping[str, Price] = {
    "STANDARD": S3_PUT,
    "INTELLIGENT_TIERING": S3_PUT,
    "STANDARD_IA": S3_PUT_INFREQUENT,
    "GLACIER_IR": S3_PUT_GLACIER,
}
"""Price of a PUT by the option `storage_class`."""

S3_TO_GLACIER = Price(0.02 / 1000, "object that a lifecycle rule moves to Glacier Instant Retrieval", S3)
S3_GET = Price(0.0004 / 1000, "GET", S3)
TABLE_WRITE = Price(0.625 / MILLION, "write of up to 1 KB", DYNAMODB)
TABLE_READ = Price(0.125 / MILLION / 2, "eventually consistent read of up to 4 KB", DYNAMODB)
TRANSITION = Price(
    0.025 / 1000, "state transition of a Standard workflow; the start of a child execution is one", STEP_FUNCTIONS
)
EXPRESS_REQUEST = Price(1.00 / MILLION, "Express execution", STEP_FUNCTIONS)
EXPRESS_SECOND = Price(
    0.0625 * 0.00001667, "second of an Express execution at the minimum memory, 64 MB", STEP_FUNCTIONS
)
LAMBDA_REQUEST = Price(0.20 / MILLION, "invocation", LAMBDA)
LAMBDA_GB_SECOND = Price(0.0000133334, "GB-second on arm64", LAMBDA)
LOG_GB = Price(0.50, "GB of logs ingested", CLOUDWATCH)


def minimum_dollars(images: int) -> float:
    """Lower bound for every design that stores and records each image: one S3 Standard PUT and one table write."""
    return images * (S3_PUT.dollars + TABLE_WRITE.dollars)
