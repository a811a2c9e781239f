"""DuckDB: Parquet by httpfs, and Iceberg and Delta tables that others wrote."""

import deltalake
import duckdb
import duckdb_ext
import pytest
from pyiceberg.catalog.sql import SqlCatalog

from harness.tables import amount_sum, rows


@pytest.fixture
def db(server):
    connection = duckdb_ext.init(duckdb.connect()) if hasattr(duckdb_ext, "init") else duckdb.connect(
        config={"extension_directory": duckdb_ext.get_extension_dir()})
    connection.execute("set autoinstall_known_extensions = false; set threads = 2")
    for extension in ("httpfs", "parquet", "avro", "iceberg", "aws", "delta"):
        connection.execute(f"load {extension}")
    host = server.endpoint.removeprefix("http://")
    connection.execute(f"create secret (type s3, key_id '{server.access_key}', secret '{server.secret_key}', region 'us-east-1', "
                       f"endpoint '{host}', url_style 'path', use_ssl false)")
    yield connection
    connection.close()


def one(db, query):
    return db.execute(query).fetchall()


def test_parquet_written_and_read(db, bucket):
    table = rows(300_000)
    db.register("t", table)
    db.execute(f"copy t to 's3://{bucket}/one.parquet' (format parquet, row_group_size 50000)")
    db.execute(f"copy t to 's3://{bucket}/hive' (format parquet, partition_by (region))")
    assert one(db, f"select count(*) from 's3://{bucket}/one.parquet'") == [(300_000,)]
    [(total,)] = one(db, f"select sum(amount) from 's3://{bucket}/one.parquet' where id between 150000 and 150099")
    assert total == pytest.approx(amount_sum(150_000, 150_100))
    assert one(db, f"select region, count(*) from read_parquet('s3://{bucket}/hive/*/*.parquet', hive_partitioning = true) "
                   "group by 1 order by 1") == [("ap", 75_000), ("eu", 75_000), ("sa", 75_000), ("us", 75_000)]


def test_csv_and_json(db, bucket):
    for form in ("csv", "json"):
        db.execute(f"copy (select range as id from range(10000)) to 's3://{bucket}/t.{form}'")
        assert one(db, f"select count(*), max(id) from 's3://{bucket}/t.{form}'") == [(10_000, 9_999)]


def test_an_iceberg_table_of_pyiceberg(db, server, bucket, tmp_path):
    catalog = SqlCatalog("test", **{"uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"s3://{bucket}/warehouse",
                                    "s3.endpoint": server.endpoint, "s3.access-key-id": server.access_key,
                                    "s3.secret-access-key": server.secret_key, "s3.region": "us-east-1"})
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", schema=rows(1).schema)
    for i in range(3):
        table.append(rows(10_000, i * 10_000))
    [(count, total)] = one(db, f"select count(*), sum(amount) from iceberg_scan('{table.metadata_location}')")
    assert (count, total) == (30_000, pytest.approx(amount_sum(0, 30_000)))


def test_a_delta_table_of_delta_rs(db, server, bucket):
    options = {"AWS_ENDPOINT_URL": server.endpoint, "AWS_ACCESS_KEY_ID": server.access_key, "AWS_REGION": "us-east-1",
               "AWS_SECRET_ACCESS_KEY": server.secret_key, "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}
    for i in range(3):
        deltalake.write_deltalake(f"s3://{bucket}/delta", rows(10_000, i * 10_000), mode="append", storage_options=options)
    assert one(db, f"select count(*), max(id) from delta_scan('s3://{bucket}/delta')") == [(30_000, 29_999)]
