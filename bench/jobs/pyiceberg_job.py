#!/usr/bin/env python3
"""pyiceberg_job.py BUCKET: a table's life by PyIceberg and pyarrow. Fails when it reads anything but what it wrote."""

import sys

from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.expressions import And, EqualTo, LessThan
from pyiceberg.transforms import IdentityTransform

from tables import ENDPOINT, KEY, ROWS, SECRET, expect, rows


def main(bucket):
    catalog = SqlCatalog("bench", **{
        "uri": "sqlite:///:memory:", "warehouse": f"s3://{bucket}/warehouse", "s3.endpoint": ENDPOINT, "s3.access-key-id": KEY,
        "s3.secret-access-key": SECRET, "s3.region": "us-east-1", "s3.force-virtual-addressing": "false",
        "py-io-impl": "pyiceberg.io.pyarrow.PyArrowFileIO"})
    catalog.create_namespace("db")
    data = rows(ROWS)
    table = catalog.create_table("db.plain", schema=data.schema)
    table.append(data)
    for i in range(5):
        table.append(rows(1000, ROWS + i * 1000))
    by_day = catalog.create_table("db.by_day", schema=data.schema)
    with by_day.update_spec() as spec:
        spec.add_field("day", IdentityTransform(), "day_part")
    by_day.append(data)

    found = table.scan(And(EqualTo("region", "eu"), LessThan("id", 5000)), selected_fields=("id", "amount")).to_arrow()
    expect("filtered", found.num_rows, 1250)
    expect("rows", table.scan().to_arrow().num_rows, ROWS + 5000)
    expect("one day", by_day.scan(EqualTo("day", 3)).to_arrow().num_rows, ROWS // 8)
    table.delete(LessThan("id", 1000))
    expect("rows after a delete", table.scan().to_arrow().num_rows, ROWS + 4000)
    catalog.drop_table("db.plain")


main(*sys.argv[1:])
