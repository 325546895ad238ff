"""The objects that grants name, as patterns of their ARNs."""

from cdk.resources.buckets import Buckets


def manifests(buckets: Buckets) -> list[str]:
    """The prefixes of manifests: uploaded ones, and lists that were submitted to the API."""
    return [of_input(buckets, "manifests/*"), of_input(buckets, "submitted/*")]


def copies(buckets: Buckets) -> str:
    """The copies of rows that PrepareRun writes."""
    return of_input(buckets, "runs/*/rows.jsonl.gz")


def images(buckets: Buckets) -> str:
    """The objects under the prefix of the images: an existing bucket has other objects, too."""
    return buckets.images.arn_for_objects(buckets.image_pattern)


def of_input(buckets: Buckets, path: str) -> str:
    return buckets.input.arn_for_objects(path)
