"""`make plan`."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pyarrow import parquet as pq

from cdk.settings import NO_CONTACT
from functions.core.cost.estimate import RunEstimate
from functions.core.manifests.formats import FORMATS, PARQUET
from functions.core.model.errors import InvalidManifest
from functions.core.model.options import Options
from local.commands import usage
from local.commands.manifest_plan import Plan, make_plan
from local.commands.plan import plan
from local.commands.plan_table import FORMAT_NAMES
from local.errors import UsageError
from tests.support.arrow import columns, file_of

MIXED = (
    "url;key;title\r\n"
    "http://a.example/1;k.png;x\r\n"
    "http://a.example/1;;again\r\n"
    '"ftp://b.example/2";;"two\r\nlines"\r\n'
    "http://me:pass@c.example/3?token=abc;/images/k.png;w\r\n"
    "4.png;;\r\n"
    "http://a.example/5;../x;\r\n"
)


def plan_of(folder: Path, name: str, text: str, options: Options | None = None) -> Plan:
    (folder / name).write_bytes(text.encode())
    return make_plan(folder / name, options or Options())


def test_every_row_is_either_a_download_or_a_problem(tmp_path: Path) -> None:
    found = plan_of(tmp_path, "mixed.csv", MIXED, Options(base_url="http://d.example", batch_size=4))

    assert (found.format, found.rows, found.batches) == ("csv-semicolon", 6, 2)
    assert found.counts == {"duplicate": 1, "invalid_url": 1, "key_conflict": 1, "invalid_row": 1}
    assert found.hosts == {"a.example": 1, "d.example": 1}
    assert found.rows == found.counts.total() + found.hosts.total()


def test_rows_are_identified_by_their_line(tmp_path: Path) -> None:
    found = plan_of(tmp_path, "mixed.csv", MIXED)

    assert [line for line, _ in found.invalid] == [5, 7, 8]
    assert found.duplicates == [(3, "http://a.example/1")]
    assert found.conflicts == [(6, "images/k.png")]


def test_keys_are_those_under_the_prefix_of_the_stack(tmp_path: Path) -> None:
    (tmp_path / "mixed.csv").write_text(MIXED + "http://a.example/6;mirror/k.png;\r\n")

    found = make_plan(tmp_path / "mixed.csv", Options(), prefix="mirror/")

    assert found.conflicts == [(9, "mirror/k.png")]


def test_batches_are_also_limited_in_bytes(tmp_path: Path) -> None:
    rows = "".join(f"http://a.example/{n},{'x' * 10_000}\n" for n in range(40))

    assert plan_of(tmp_path, "long.csv", "url,note\n" + rows).batches == 3


def test_a_url_may_have_several_keys_and_each_of_them_belongs_to_it(tmp_path: Path) -> None:
    first, second = "http://a.example/1", "http://a.example/2"
    rows = [(first, "a.png"), (first, "b.png"), (first, "a.png"), (second, "b.png"), (second, "c.png")]

    found = plan_of(tmp_path, "keys.csv", "url,key\n" + "".join(f"{url},{key}\n" for url, key in rows))

    assert found.duplicates == [(3, first), (4, first)]
    assert found.conflicts == [(5, "images/b.png")]
    assert found.estimate.images == 2


def test_only_the_first_ten_are_listed_and_all_are_counted(tmp_path: Path) -> None:
    found = plan_of(tmp_path, "bad.txt", "1.png\n" * 50)

    assert (found.counts["invalid_url"], len(found.invalid)) == (50, 10)


def test_parquet_is_read(tmp_path: Path) -> None:
    pa, parquet = pytest.importorskip("pyarrow"), pytest.importorskip("pyarrow.parquet")
    parquet.write_table(pa.table({"url": ["http://a.example/1", "http://a.example/1", "x"]}), tmp_path / "a.parquet")

    found = make_plan(tmp_path / "a.parquet", Options())

    assert (found.rows, found.hosts, found.counts) == (3, {"a.example": 1}, {"duplicate": 1, "invalid_url": 1})


def test_parquet_with_columns_of_every_type_is_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = {name: column for name, (column, _) in columns().items()}
    (tmp_path / "types.parquet").write_bytes(file_of({"url": ["http://a.example/1", "http://a.example/2"], **own}))

    assert plan(manifest=str(tmp_path / "types.parquet"), options={}) == 0
    assert make_plan(tmp_path / "types.parquet", Options()).hosts == {"a.example": 2}
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("name", ["timestamp us None", "date32", "time us", "decimal128", "binary", "struct", "double"])
def test_parquet_with_a_column_that_json_does_not_have_is_planned(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.parquet").write_bytes(file_of({"url": ["http://a.example/1", "x"], "own": columns()[name][0]}))

    assert plan(manifest=str(tmp_path / "a.parquet"), options={}) == 0


@pytest.mark.parametrize("name", columns())
def test_parquet_with_urls_of_any_type_is_planned_or_rejected(
    tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.parquet").write_bytes(file_of({"url": columns()[name][0]}))

    status = plan(manifest=str(tmp_path / "a.parquet"), options={})

    shown = "".join(capsys.readouterr())
    assert status == 0 or "The column url of the Parquet file is not of type STRING (UTF8), but" in shown


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda data, page: data[:page] + bytes(20) + data[page + 20 :],
            "A run would fail: the Parquet file cannot be",
        ),
        (lambda data, page: data[:-1], "is not a Parquet file, or it is truncated"),
        (lambda data, page: b"PAR1", "is not a Parquet file, or it is truncated"),
    ],
)
def test_parquet_that_cannot_be_read_is_rejected(
    tmp_path: Path, change: Callable[[bytes, int], bytes], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    data = file_of({"url": ["http://a.example/1"] * 9}, use_dictionary=False)
    page = pq.read_metadata(io.BytesIO(data)).row_group(0).column(0).data_page_offset
    (tmp_path / "a.parquet").write_bytes(change(data, page))

    assert plan(manifest=str(tmp_path / "a.parquet"), options={}) == 1

    assert message in " ".join("".join(capsys.readouterr()).split())


def test_a_row_of_parquet_that_fits_into_no_batch_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(file_of({"url": ["http://a.example/1"] * 2, "own": ["", "x" * 200_000]}))

    with pytest.raises(
        InvalidManifest, match=r"Row 2 of the manifest is larger than 180 KB, the limit of a row\. Remove"
    ):
        make_plan(tmp_path / "a.parquet", Options())


def test_a_manifest_that_a_run_would_reject_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidManifest, match="no url column"):
        plan_of(tmp_path, "bad.csv", "link\nx\n")


def test_the_plan_is_shown_without_secrets(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "mixed.csv").write_text(MIXED + "http://me:pass@c.example/3?token=abc\n" * 2)

    status = plan(manifest=str(tmp_path / "mixed.csv"), options={"batch-size": "2"})

    shown = capsys.readouterr().out
    assert status == 0
    assert "a.example" in shown
    assert "pass" not in shown
    assert "abc" not in shown


def test_the_estimate_is_for_the_downloads(tmp_path: Path) -> None:
    rows = "".join(f"http://{host}.example/{n}\n" for host, count in (("a", 60), ("b", 30)) for n in range(count))

    found = plan_of(tmp_path, "two.txt", rows + "http://a.example/1\n" + "no url\n", Options(batch_size=25)).estimate

    assert (found.images, found.batches, found.hosts) == (90, 4, 1.5)


def test_the_estimate_has_the_batches_that_are_limited_in_bytes(tmp_path: Path) -> None:
    rows = "".join(f"http://a.example/{n},{'x' * 10_000}\n" for n in range(40))

    found = plan_of(tmp_path, "long.csv", "url,note\n" + rows)

    assert found.estimate.batches == found.batches == 3


def test_a_manifest_without_a_download_has_a_plan(tmp_path: Path) -> None:
    assert plan_of(tmp_path, "bad.txt", "1.png\n").estimate.images == 0


def test_time_and_cost_are_shown_with_the_assumptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = "".join(f"http://a.example/{n}\n" for n in range(1000))
    (tmp_path / "one.txt").write_text(rows)

    plan(manifest=str(tmp_path / "one.txt"), options={"batch-size": "100", "per-host": "2"})

    shown = capsys.readouterr().out
    run = RunEstimate(images=1000, hosts=1, known_hosts=1, options=Options(batch_size=100, per_host=2))
    assert re.search(
        rf"│ time +│ +{run.seconds:.1f} s │ {run.batch_seconds:.1f} s per batch, 9 batches at a time +│", shown
    )
    assert re.search(rf"│ cost +│ +\${run.dollars:.4f} │", shown)
    assert "estimates that assume 100 KB and 200 ms per image: nothing was downloaded" in shown
    assert (
        "./image-mirror cost --images 1000 --size-kb 100 --latency-ms 200 --hosts 1 --batch-size 100 --per-host 2\n"
        in shown
    )


@pytest.mark.parametrize(
    ("name", "text", "format_name"),
    [
        ("a.csv", "http://a.example/1\n", "CSV without a header"),
        ("b.csv", "url;title\nhttp://a.example/1;x\n", "CSV with semicolons"),
        ("c.ndjson", '"http://a.example/1"\n', "JSON lines"),
    ],
)
def test_a_plan_has_the_name_of_the_format(
    name: str, text: str, format_name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text(text)

    plan(manifest=str(tmp_path / name), options={})

    shown = capsys.readouterr().out
    assert f"read as {format_name};" in re.sub(r"\s+", " ", shown)
    assert "1 batch at a time" in shown


def test_every_format_has_a_name() -> None:
    assert set(FORMAT_NAMES) == {*(form.name for form in FORMATS), PARQUET}


@pytest.mark.parametrize(
    ("rows", "title"), [(1, "Invalid rows"), (9, "Invalid rows"), (12, "Invalid rows (the first 10)")]
)
def test_examples_are_the_first_ones_only_if_there_are_more(
    rows: int, title: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "relative.csv").write_text("url\n" + "a.jpg\n" * rows)

    plan(manifest=str(tmp_path / "relative.csv"), options={})

    assert title in [line.strip() for line in capsys.readouterr().out.splitlines()]


def test_a_plan_without_downloads_lists_no_hosts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "relative.csv").write_text("url\na.jpg\n")

    plan(manifest=str(tmp_path / "relative.csv"), options={})

    shown = capsys.readouterr().out
    assert "Invalid rows" in shown
    assert "Busiest hosts" not in shown


def test_the_setting_for_transitions_of_small_images_is_in_the_cost(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "one.txt").write_text("".join(f"http://a.example/{n}\n" for n in range(100_000)))
    (tmp_path / "cdk.json").write_text('{"context": {"glacier_object_size_greater_than": 50000}}')
    monkeypatch.setattr(usage, "SETTINGS_FILE", tmp_path / "cdk.json")

    plan(manifest=str(tmp_path / "one.txt"), options={})

    assert "S3 moves images of 50,001 bytes or more" in (shown := capsys.readouterr().out)
    assert re.search(r"│ cost +│ +\$2\.\d\d │", shown)


def test_the_settings_of_an_existing_bucket_are_in_the_plan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "two.csv").write_text("url,key\nhttp://a.example/1,a.png\nhttp://a.example/2,mirror/a.png\n")
    (tmp_path / "cdk.json").write_text('{"context": {"images_bucket": "company-media", "images_prefix": "mirror/"}}')
    monkeypatch.setattr(usage, "SETTINGS_FILE", tmp_path / "cdk.json")

    plan(manifest=str(tmp_path / "two.csv"), options={})

    shown = capsys.readouterr().out
    assert "the estimate does not include the lifecycle rules of its owner" in shown
    assert re.search(r"│ +3 │ mirror/a.png +│", shown)


@pytest.mark.parametrize(
    ("context", "options", "shown"),
    [("{}", {}, True), ('{"contact": "me@example.org"}', {}, False), ("{}", {"user_agent": "mine/1 (+me)"}, False)],
    ids=["none", "a setting", "a User-Agent of the run"],
)
def test_a_plan_without_a_contact_says_so(
    context: str,
    options: dict[str, str],
    shown: bool,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    (tmp_path / "one.txt").write_text("http://a.example/1\n")
    (tmp_path / "cdk.json").write_text(f'{{"context": {context}}}')
    monkeypatch.setattr(usage, "SETTINGS_FILE", tmp_path / "cdk.json")

    assert plan(manifest=str(tmp_path / "one.txt"), options=options) == 0
    assert (NO_CONTACT in capsys.readouterr().out) is shown


def test_invalid_settings_are_a_usage_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "one.txt").write_text("http://a.example/1\n")
    (tmp_path / "cdk.json").write_text('{"context": {"glacier_object_size_greater_than": "large"}}')
    monkeypatch.setattr(usage, "SETTINGS_FILE", tmp_path / "cdk.json")

    with pytest.raises(UsageError, match="glacier_object_size_greater_than"):
        plan(manifest=str(tmp_path / "one.txt"), options={})


def test_a_batch_that_would_run_out_of_time_gets_a_warning(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "one.txt").write_text("".join(f"http://a.example/{n}\n" for n in range(1000)))

    plan(manifest=str(tmp_path / "one.txt"), options={"batch-size": "1000", "per-host": "1"})

    assert "Use a smaller batch_size" in capsys.readouterr().out


@pytest.mark.parametrize("options", [{"speed": "1"}, {}])
def test_a_rejected_run_has_one_sentence_and_status_1(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, str]
) -> None:
    (tmp_path / "bad.csv").write_text("link\nx\n")

    assert plan(manifest=str(tmp_path / "bad.csv"), options=options) == 1
    assert capsys.readouterr().out.startswith("The run would be rejected: The")


def manifest_of_batches(folder: Path, batches: int) -> str:
    path = folder / "batches.txt"
    path.write_text("".join(f"http://host-{n}.example/{n}\n" for n in range(batches * 10)))
    return str(path)


def test_a_plan_for_an_account_of_few_executions_has_its_concurrency(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = manifest_of_batches(tmp_path, 100)

    plan(manifest=path, options={"batch-size": "10"}, lambda_concurrency=10)

    shown = capsys.readouterr().out
    run = RunEstimate(images=1000, hosts=1000, known_hosts=1000, options=Options(batch_size=10, max_concurrency=7))
    assert re.search(
        rf"│ time +│ +{run.seconds:.1f} s │ {run.batch_seconds:.1f} s per batch, 7 batches at a time", shown
    )
    assert (
        "At most 7 batches run at once instead of 40: the account allows 10 concurrent Lambda executions. With other "
        "active runs they are fewer.\n"
    ) in shown
    assert " --max-concurrency 7" in shown


def test_a_plan_without_the_limit_of_the_account_says_what_it_needs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plan(manifest=manifest_of_batches(tmp_path, 100), options={"batch-size": "10"})

    assert (
        "40 batches at once need an account that allows 44 concurrent Lambda executions. A new account may allow 10 or "
        "50: then at most 7 or 45 batches run at once. `aws lambda get-account-settings` shows the number; plan with "
        "it by --lambda-concurrency, or LAMBDA_CONCURRENCY=.\n"
    ) in capsys.readouterr().out


@pytest.mark.parametrize(("batches", "limit"), [(7, None), (7, 10), (100, 44), (100, 1000)])
def test_a_plan_says_nothing_where_every_batch_gets_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], batches: int, limit: int | None
) -> None:
    plan(manifest=manifest_of_batches(tmp_path, batches), options={"batch-size": "10"}, lambda_concurrency=limit)

    assert "Lambda executions" not in capsys.readouterr().out


def test_the_busiest_hosts_are_shown_with_the_limit_that_binds_and_the_time(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "140")
    rows = [
        *(f"https://a.example/{n}" for n in range(9_800)),
        *(f"https://upload.wikimedia.org/{n}" for n in range(100)),
    ]
    rows += [f"https://h{n}.example/" for n in range(100)]
    (tmp_path / "one.txt").write_text("\n".join(rows))

    plan(manifest=str(tmp_path / "one.txt"), options={"batch-size": "100"})

    shown = capsys.readouterr().out
    assert re.search(r"│ a.example +│ 9,800 +│ +98 % │ 16 \(host_concurrency\) +│ 2 min 2 s │", shown)
    assert re.search(r"│ upload.wikimedia.org +│ +100 │ +1 % │ 2 \(host_limits\) +│ +10.0 s │", shown)
    assert re.search(r"│ h0.example +│ +1 │ +0 % │ +│ +│", shown)
    assert (
        "98 % of the rows are of the host a.example: with at most 16 requests at a time (host_concurrency) and 200 ms "
        "each, they take 2 min 2 s. If the host is yours, host_concurrency=256 makes that 7.7 s.\n"
    ) in shown


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (
            {"host-rate": "5"},
            "at most 16 requests at a time and 5 requests a second (host_rate) and 200 ms each, they take",
        ),
        ({"host-rate": "5"}, "3 min 20 s. If the host is yours, set a higher host_rate.\n"),
        ({"host-concurrency": "0", "host-rate": "5"}, "with at most 5 requests a second (host_rate)"),
    ],
)
def test_a_rate_that_decides_the_time_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], options: dict[str, str], sentence: str
) -> None:
    (tmp_path / "one.txt").write_text("".join(f"https://a.example/{n}\n" for n in range(1000)))

    plan(manifest=str(tmp_path / "one.txt"), options=options)

    assert sentence in capsys.readouterr().out


def test_a_list_of_many_hosts_has_no_sentence_about_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "many.txt").write_text("".join(f"https://h{n}.example/1\n" for n in range(1000)))

    plan(manifest=str(tmp_path / "many.txt"), options={})

    assert "of the rows are of" not in capsys.readouterr().out


def test_ten_thousand_hosts_cost_more_with_robots_txt_than_without(tmp_path: Path) -> None:
    text = "".join(f"https://h{n}.example/1\n" for n in range(10_000))

    obey, ignore = (plan_of(tmp_path, "many.txt", text, Options(robots=robots)) for robots in ("obey", "ignore"))

    assert ignore.estimate.seconds < obey.estimate.seconds < 2 * ignore.estimate.seconds
    assert ignore.estimate.dollars < obey.estimate.dollars < 1.5 * ignore.estimate.dollars


@pytest.mark.parametrize(
    ("template", "conflicts"),
    [
        ("{row}.{ext}", []),
        ("{title}.{ext}", [(4, "images/a.{ext}")]),
        ("{run}/{title}", [(4, "images/RUN/a")]),
        ("{host}/{name}", [(4, "images/x.example/1")]),
        ("{title}-{sha256:.8}", []),
    ],
)
def test_conflicts_of_a_template_are_found_as_far_as_they_are_known(
    tmp_path: Path, template: str, conflicts: list[tuple[int, str]]
) -> None:
    text = "url,title\nhttp://x.example/1.png,a\nhttp://x.example/2.png,b\nhttp://x.example/a/1.png,a\n"

    found = plan_of(tmp_path, "list.csv", text, Options(key_template=template))

    assert found.conflicts == conflicts


def test_rows_without_a_column_of_the_template_are_invalid(tmp_path: Path) -> None:
    text = "url,title\nhttp://x.example/1.png,\nhttp://x.example/2.png,b\n"

    found = plan_of(tmp_path, "list.csv", text, Options(key_template="{title}.{ext}"))

    assert found.counts == {"invalid_row": 1}


def test_a_template_with_an_unknown_field_is_rejected(tmp_path: Path) -> None:
    with pytest.raises(InvalidManifest, match=r"Option 'key_template' has {titel}, which is neither"):
        plan_of(tmp_path, "list.csv", "url,title\nhttp://x.example/1.png,a\n", Options(key_template="{titel}"))


def test_a_plan_is_of_the_whole_list(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("url\nhttp://a.example/1\n")

    with pytest.raises(UsageError, match="Remove the option probe"):
        plan(manifest=str(tmp_path / "a.csv"), options={"probe": "300"})
