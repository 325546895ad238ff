from typing import Any

import pytest
from pydantic import ValidationError

from functions.core.api.problems import Problem
from functions.core.api.requests import MAX_ROWS, RunRequest, UploadRequest, field_errors
from functions.core.api.run_options import explicit_options, upload_metadata
from functions.core.api.upload import create_upload
from functions.core.model.metadata import options_from_metadata
from functions.core.model.option_validation import validate_options
from tests.support.api_fakes import FakeLinks


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "body"),
        ({"urls": ["a"], "manifest": "s3://b/k"}, "body"),
        ({"urls": []}, "urls"),
        ({"urls": ["a"] * (MAX_ROWS + 1)}, "urls"),
        ({"urls": ["a", 1]}, "urls.1"),
        ({"urls": ["a"], "option": {}}, "option"),
        ({"urls": ["a"], "options": {"concurrency": "5"}}, "options.concurrency"),
        ({"urls": ["a"], "options": {"conzurrency": 5}}, "options.conzurrency"),
        ({"urls": ["a"], "options": {"tolerated_failure_percentage": False}}, "options.tolerated_failure_percentage"),
        ({"items": [{"url": "a"}, {"image": "b"}]}, "items.1.url"),
        ({"baseUrl": "ftp://x", "resourcePaths": ["a"]}, "baseUrl"),
        ({"resourcePaths": ["a"]}, "baseUrl"),
        ({"baseUrl": "http://x", "resourcePaths": ["a"], "lambdaConcur": 0}, "lambdaConcur"),
        ({"manifest": "/local/file.csv"}, "manifest"),
    ],
)
def test_what_is_wrong_is_named_as_its_author_wrote_it(body: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as raised:
        RunRequest.model_validate(body)

    places = [{**error, "loc": ("body", *error["loc"])} for error in raised.value.errors()]
    assert [error.field for error in field_errors(places)] == [field]


def test_only_options_that_are_given_are_passed_on() -> None:
    request = RunRequest.model_validate({"urls": ["a"], "options": {"allowed_types": ["png"], "timeout": 5}})

    assert request.root.explicit_options() == {"allowed_types": ["png"], "timeout": 5}


def test_an_option_wins_over_the_field_that_means_the_same() -> None:
    body = {"baseUrl": "http://x", "resourcePaths": ["a"], "lambdaConcur": 5, "options": {"concurrency": 9}}

    assert RunRequest.model_validate(body).root.explicit_options() == {"base_url": "http://x", "concurrency": 9}


def test_an_unknown_image_type_is_refused() -> None:
    with pytest.raises(Problem) as problem:
        RunRequest.model_validate({"urls": ["a"], "options": {"allowed_types": ["exe"]}}).root.explicit_options()

    assert (problem.value.status, problem.value.errors[0].field) == (422, "options")


def test_options_survive_the_way_through_an_object_s_metadata() -> None:
    options = {
        "base_url": "https://example.com/a",
        "allowed_types": ["png", "gif"],
        "respect": ["noai", "iptc"],
        "respect_opt_out": False,
        "timeout": 2.5,
        "concurrency": 3,
        "url_column": "Gr\u00f6\u00dfe",
    }

    assert validate_options(
        options_from_metadata(upload_metadata(explicit_options(None, **options)))
    ) == validate_options(options)


def test_headers_travel_with_an_upload_in_ascii() -> None:
    request = RunRequest.model_validate({"urls": ["a"], "options": {"headers": {"X-Name": "José", "Cookie": "a=b"}}})

    metadata = upload_metadata(request.root.explicit_options())

    assert metadata["headers"].isascii()
    assert validate_options(metadata).headers == {"X-Name": "José", "Cookie": "a=b"}


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"headers": {"Cookie": "x" * 2000}}, "options"),
        ({"url_column": "\u00e4" * 1500}, "options"),
        ({"base_url": "https://x/" + "a" * 2000}, "options"),
    ],
)
def test_options_that_cannot_travel_with_an_upload_are_refused(options: dict[str, Any], field: str) -> None:
    with pytest.raises(Problem) as problem:
        upload_metadata(options)

    assert problem.value.status == 422
    assert [error.field for error in problem.value.errors] == [field]


def test_a_link_is_for_a_name_of_its_own_and_says_what_to_send() -> None:
    request = UploadRequest.model_validate({"name": "list.csv", "options": {"concurrency": 3}})

    first, second = (create_upload(request, FakeLinks(), "input") for _ in range(2))

    assert first.manifest.startswith("s3://input/manifests/")
    assert first.manifest.endswith("/list.csv")
    assert first.manifest != second.manifest
    assert first.headers == {"x-amz-meta-concurrency": "3"}
    assert (first.method, first.expires_in) == ("PUT", 900)
    assert first.url == f"https://links/{first.manifest.removeprefix('s3://input/')}?put"


def test_a_name_that_tells_no_format_gets_no_link() -> None:
    with pytest.raises(Problem) as problem:
        create_upload(UploadRequest(name="list.xlsx"), FakeLinks(), "input")

    assert (problem.value.status, problem.value.errors[0].field) == (422, "name")


@pytest.mark.parametrize("length", [1987, 1988])
def test_the_options_of_an_upload_have_two_thousand_bytes(length: int) -> None:
    """With their names as metadata: base-url has 8 characters, rounds has 6, and its value one."""
    options = {"base_url": "https://x/".ljust(length - 2, "a"), "rounds": 3}

    if length == 1987:
        metadata = upload_metadata(options)
        assert sum(len(name) + len(value) for name, value in metadata.items()) == 2000
        return
    with pytest.raises(Problem) as raised:
        upload_metadata(options)
    assert [error.field for error in raised.value.errors] == ["options"]


def test_options_of_a_request_take_precedence_over_defaults_that_are_set() -> None:
    options = RunRequest.model_validate({"urls": ["a"], "options": {"rounds": 3}}).root.options

    assert explicit_options(options, rounds=1, concurrency=None, per_host=2) == {"rounds": 3, "per_host": 2}
    assert explicit_options(None) == {}
