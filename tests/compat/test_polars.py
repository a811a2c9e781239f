"""Polars: written, sunk, scanned, and as a Delta table."""

import polars
import pytest

from harness.tables import amount_sum, rows


@pytest.fixture
def options(server):
    return {"aws_endpoint_url": server.endpoint, "aws_access_key_id": server.access_key, "aws_region": "us-east-1",
            "aws_secret_access_key": server.secret_key, "aws_allow_http": "true"}


def test_written_and_sunk_files_are_scanned(bucket, options):
    frame = polars.from_arrow(rows(300_000))
    frame.write_parquet(f"s3://{bucket}/a/one.parquet", storage_options=options, row_group_size=50_000)
    frame.lazy().sink_parquet(f"s3://{bucket}/a/two.parquet", storage_options=options)
    some = polars.scan_parquet(f"s3://{bucket}/a/one.parquet", storage_options=options).filter(polars.col("id") < 5000).collect()
    assert some["amount"].sum() == pytest.approx(amount_sum(0, 5000))
    both = polars.scan_parquet(f"s3://{bucket}/a/*.parquet", storage_options=options)
    by_region = both.group_by("region").agg(polars.len()).sort("region").collect()
    assert by_region.rows() == [("ap", 150_000), ("eu", 150_000), ("sa", 150_000), ("us", 150_000)]


def test_a_delta_table(bucket, options):
    frame = polars.from_arrow(rows(50_000))
    frame.write_delta(f"s3://{bucket}/delta", storage_options=options)
    found = polars.scan_delta(f"s3://{bucket}/delta", storage_options=options).filter(polars.col("day") == 2)
    assert found.select(polars.len()).collect().item() == 6250
