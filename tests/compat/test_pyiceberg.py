"""PyIceberg writes tables through pyarrow and through fsspec; they survive a kill and the loss of two drives."""

import shutil

import pyarrow.compute
import pytest
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import And, EqualTo, LessThan

from harness.tables import amount_sum, rows

IO = {"pyarrow": "pyiceberg.io.pyarrow.PyArrowFileIO", "fsspec": "pyiceberg.io.fsspec.FsspecFileIO"}


def open_catalog(server, bucket, folder, io):
    return SqlCatalog("test", **{
        "uri": f"sqlite:///{folder}/catalog.db", "warehouse": f"s3://{bucket}/warehouse", "py-io-impl": IO[io],
        "s3.endpoint": server.endpoint, "s3.access-key-id": server.access_key, "s3.secret-access-key": server.secret_key,
        "s3.region": "us-east-1", "s3.path-style-access": "true", "s3.force-virtual-addressing": "false"})


def check(table, count):
    everything = table.scan().to_arrow()
    assert everything.num_rows == count
    assert pyarrow.compute.sum(everything["amount"]).as_py() == pytest.approx(amount_sum(0, count))
    some = table.scan(row_filter=And(EqualTo("region", "eu"), LessThan("id", 5000)), selected_fields=("id",)).to_arrow()
    assert sorted(some["id"].to_pylist()) == list(range(0, 5000, 4))


@pytest.mark.parametrize("io", IO)
def test_a_table_survives_a_kill_and_the_loss_of_two_drives(make_server, tmp_path, io):
    server = make_server().start()
    server.client().create_bucket(Bucket="lake")
    catalog = open_catalog(server, "lake", tmp_path, io)
    catalog.create_namespace("db")
    table = catalog.create_table("db.events", schema=rows(1).schema)
    table.append(rows(300_000))
    for i in range(3):
        table.append(rows(1000, 300_000 + i * 1000))
    server.kill()
    for drive in (server.drives[1], server.drives[4]):
        shutil.rmtree(drive)
    server.start()
    table = open_catalog(server, "lake", tmp_path, io).load_table("db.events")
    check(table, 303_000)
    table.append(rows(1000, 303_000))
    check(table, 304_000)


@pytest.mark.parametrize("io", IO)
def test_deletes_and_expiry(server, bucket, tmp_path, io):
    catalog = open_catalog(server, bucket, tmp_path, io)
    catalog.create_namespace("db")
    table = catalog.create_table("db.t", schema=rows(1).schema)
    with table.update_spec() as spec:
        spec.add_identity("day")
    table.append(rows(20_000))
    table.delete(LessThan("id", 1000))
    assert table.scan().to_arrow().num_rows == 19_000
    assert table.scan(row_filter=EqualTo("day", 3)).to_arrow().num_rows == 2375
    table.maintenance.expire_snapshots().by_ids([s.snapshot_id for s in table.snapshots()[:-1]]).commit()
    assert len(table.snapshots()) == 1
    assert table.scan().to_arrow().num_rows == 19_000
    catalog.drop_table("db.t")
