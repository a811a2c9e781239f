#!/usr/bin/env python3
"""deltalake_job.py BUCKET: a table's life by delta-rs. Fails when it reads anything but what it wrote."""

import sys

import deltalake

from tables import ENDPOINT, KEY, ROWS, SECRET, expect, rows


def main(bucket):
    options = {"AWS_ENDPOINT_URL": ENDPOINT, "AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET,
               "AWS_REGION": "us-east-1", "AWS_ALLOW_HTTP": "true", "aws_conditional_put": "etag"}
    place = f"s3://{bucket}/t"
    deltalake.write_deltalake(place, rows(ROWS), partition_by=["region"], storage_options=options)
    for i in range(10):
        deltalake.write_deltalake(place, rows(500, ROWS + i * 500), mode="append", storage_options=options)
    table = deltalake.DeltaTable(place, storage_options=options)
    found = table.to_pyarrow_table(filters=[("id", "<", 1000)], columns=["id"])
    expect("filtered", found.num_rows, 1000)
    merge = table.merge(rows(1000, ROWS + 4500), "s.id = t.id", "s", "t")
    merge.when_matched_update_all().when_not_matched_insert_all().execute()
    table.delete("id < 100")
    table.optimize.compact()
    table.create_checkpoint()
    table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
    after = deltalake.DeltaTable(place, storage_options=options).to_pyarrow_table(columns=["id"])
    expect("rows after maintenance", after.num_rows, ROWS + 5500 - 100)


main(*sys.argv[1:])
