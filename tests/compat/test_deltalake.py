"""delta-rs: commits by conditional PUT, and none is lost however many write."""

import collections
import concurrent.futures
import json

import deltalake
import pytest

from harness.tables import rows


@pytest.fixture
def options(server):
    return options_for(server)


def options_for(server):
    return {"AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": server.access_key, "AWS_SECRET_ACCESS_KEY": server.secret_key,
            "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}


def ids(url, options):
    return sorted(deltalake.DeltaTable(url, storage_options=options).to_pyarrow_table(columns=["id"])["id"].to_pylist())


def test_a_table_through_all_its_maintenance(bucket, options):
    url = f"s3://{bucket}/t"
    deltalake.write_deltalake(url, rows(100_000), partition_by=["region"], storage_options=options)
    for i in range(5):
        deltalake.write_deltalake(url, rows(500, 100_000 + i * 500), mode="append", storage_options=options)
    table = deltalake.DeltaTable(url, storage_options=options)
    table.merge(rows(1000, 102_000), "s.id = t.id", "s", "t").when_matched_update_all().when_not_matched_insert_all().execute()
    table.delete("id < 100")
    assert table.optimize.compact()["numFilesRemoved"] > 0
    table.create_checkpoint()
    assert table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    assert ids(url, options) == list(range(100, 103_000))


def test_eight_writers_at_once_lose_no_commit(make_server, tmp_path):
    log = tmp_path / "access.log"
    server = make_server(flags=["--access-log", str(log)]).start()
    server.client().create_bucket(Bucket="lake")
    url, options = "s3://lake/t", options_for(server)
    deltalake.write_deltalake(url, rows(100), storage_options=options)
    # delta-rs gives up after 15 lost races, which one writer of eight may well meet; no writer can lose more than 31.
    patient = deltalake.CommitProperties(max_commit_retries=40)

    def write(number):
        for i in range(4):
            deltalake.write_deltalake(url, rows(100, 1000 + number * 1000 + i * 100), mode="append", storage_options=options,
                                      commit_properties=patient)

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(write, n) for n in range(8)]:
            done.result()
    expected = list(range(100)) + [i for n in range(8) for i in range(1000 + n * 1000, 1400 + n * 1000)]
    assert ids(url, options) == expected
    assert deltalake.DeltaTable(url, storage_options=options).version() == 32
    server.stop()
    each_commit_has_one_winner(log)


def each_commit_has_one_winner(log):
    statuses = collections.defaultdict(list)
    for line in map(json.loads, log.read_text().splitlines()):
        if line["method"] == "PUT" and "/_delta_log/" in line["path"] and line["path"].endswith(".json"):
            statuses[line["path"]].append(line["status"])
    assert len(statuses) == 33
    for path, answers in statuses.items():
        assert (answers.count(200), set(answers) <= {200, 412}) == (1, True), (path, answers)
