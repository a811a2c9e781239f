#!/usr/bin/env python3
"""One Spark session on the server that the AWS_ variables name. A job and its bucket per line in; what it found out, and
then `passed` or `failed`, per job out. Starting a machine of its own for each would take longer than the jobs do.

  spark_jobs.py FORMAT JARS      FORMAT: iceberg or delta, whose extensions don't bear each other; JARS: separated by commas
"""

import os
import sys

from pyspark.sql import SparkSession, functions

ROWS = 1_000_000
APPENDED = 100_000
ENDPOINT, KEY, SECRET = (os.environ[n] for n in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))

SESSION = {
    "spark.driver.memory": "2g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4",
    "spark.driver.extraJavaOptions": "-Daws.region=us-east-1",
}
FORMATS = {
    "iceberg": {"spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions"},
    "delta": {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
              "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
              "spark.databricks.delta.retentionDurationCheck.enabled": "false",
              "spark.databricks.delta.snapshotPartitions": "2"},  # Of 50 by default: a task each, for a log of ten entries.
}
S3A = {
    "endpoint": ENDPOINT, "path.style.access": "true", "access.key": KEY, "secret.key": SECRET, "connection.ssl.enabled": "false",
    "endpoint.region": "us-east-1", "committer.name": "magic", "committer.magic.enabled": "true",
}
# Which committer writes Parquet: by renaming, as Hadoop always has, or by completing uploads.
COMMITTERS = {
    "rename": {"spark.sql.sources.commitProtocolClass": "org.apache.spark.sql.execution.datasources.SQLHadoopMapReduceCommitProtocol",
               "spark.sql.parquet.output.committer.class": "org.apache.parquet.hadoop.ParquetOutputCommitter"},
    "magic": {"spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
              "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
              "mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory"},
}


def session(format, jars):
    builder = SparkSession.builder.master("local[2]").appName("firn").config("spark.jars", jars)
    for name, value in (SESSION | FORMATS[format]).items():
        builder = builder.config(name, value)
    for name, value in S3A.items():
        builder = builder.config(f"spark.hadoop.fs.s3a.{name}", value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


def use_committer(spark, name):
    for settings in COMMITTERS.values():
        for key in settings:
            spark.conf.unset(key)
    for key, value in COMMITTERS[name].items():
        spark.conf.set(key, value)


def use_catalog(spark, bucket, file_io):
    """Iceberg tables of one bucket, by S3FileIO with a catalog beside it or by s3a with its own. Returns the catalog's name:
    one for each bucket, because a session keeps a catalog as it was when first used."""
    name = f"ice_{file_io}_{bucket.replace('-', '_')}"
    settings = {"s3a": {"type": "hadoop", "warehouse": f"s3a://{bucket}/warehouse"},
                "s3fileio": {"type": "jdbc", "uri": "jdbc:h2:mem:ice;DB_CLOSE_DELAY=-1", "jdbc.schema-version": "V1",
                             "warehouse": f"s3://{bucket}/warehouse", "io-impl": "org.apache.iceberg.aws.s3.S3FileIO",
                             "s3.endpoint": ENDPOINT, "s3.path-style-access": "true", "s3.access-key-id": KEY,
                             "s3.secret-access-key": SECRET, "client.region": "us-east-1"}}[file_io]
    spark.conf.set(f"spark.sql.catalog.{name}", "org.apache.iceberg.spark.SparkCatalog")
    for key, value in settings.items():
        spark.conf.set(f"spark.sql.catalog.{name}.{key}", value)
    spark.sql(f"create namespace if not exists {name}.db")
    return name


def rows(spark, count=ROWS, first=0):
    region = functions.expr("element_at(array('eu', 'us', 'ap', 'sa'), cast(id % 4 + 1 as int))")
    return spark.range(first, first + count, 1, 4).select(
        "id", (functions.col("id") % 8).cast("int").alias("day"), region.alias("region"),
        (functions.col("id") * 7919 % 100003 / 16.0).alias("amount"), functions.expr("concat('note-', md5(cast(id as string)))").alias("note"))


def expect(what, seen, expected):
    assert seen == expected, f"{what}: {seen} instead of {expected}"
    print(f"{what}: {seen}", flush=True)


def parquet(spark, bucket, committer):
    use_committer(spark, committer)
    path = f"s3a://{bucket}/{committer}"
    count = ROWS if committer == "magic" else APPENDED
    rows(spark, count).write.mode("overwrite").partitionBy("region").parquet(path)
    rows(spark, 1000, count).write.mode("append").partitionBy("region").parquet(path)
    table = spark.read.parquet(path)
    expect("rows", table.count(), count + 1000)
    expect("filtered", table.where("region = 'eu' and id < 5000").count(), 1250)
    expect("ids", table.agg(functions.sum("id")).collect()[0][0], (count + 1000) * (count + 999) // 2)
    for size in (50_000, 20_000):
        rows(spark, size).write.mode("overwrite").csv(f"{path}-csv")
    expect("overwritten", spark.read.csv(f"{path}-csv").count(), 20_000)


def iceberg(spark, bucket, file_io):
    catalog = use_catalog(spark, bucket, file_io)
    table = f"{catalog}.db.t"
    spark.sql(f"create table {table} (id bigint, day int, region string, amount double, note string) using iceberg partitioned by (region)")
    rows(spark).writeTo(table).append()
    for i in range(4):
        rows(spark, 2000, ROWS + i * 2000).writeTo(table).append()
    count = lambda where="true": spark.sql(f"select count(*) from {table} where {where}").collect()[0][0]  # noqa: E731
    expect("rows", count(), ROWS + 8000)
    expect("filtered", count("region = 'eu' and id < 5000"), 1250)
    spark.range(1000).withColumnRenamed("id", "k").createOrReplaceTempView("u")
    spark.sql(f"merge into {table} t using u on t.id = u.k when matched then update set amount = -1")
    expect("merged", count("amount = -1"), 1000)
    spark.sql(f"delete from {table} where id < 100")
    call = f"call {catalog}.system"
    spark.sql(f"{call}.rewrite_data_files(table => 'db.t', options => map('min-input-files', '2'))").collect()
    spark.sql(f"{call}.rewrite_manifests('db.t')").collect()
    spark.sql(f"{call}.expire_snapshots(table => 'db.t', older_than => timestamp '2099-01-01 00:00:00', retain_last => 1)").collect()
    expect("rows after maintenance", count(), ROWS + 8000 - 100)
    expect("ids", spark.sql(f"select count(distinct id) from {table}").collect()[0][0], ROWS + 8000 - 100)
    spark.sql(f"drop table {table} purge")


def delta(spark, bucket):
    path = f"s3a://{bucket}/t"
    rows(spark).write.format("delta").partitionBy("region").save(path)
    for i in range(3):
        rows(spark, 1000, ROWS + i * 1000).write.format("delta").mode("append").save(path)
    table = lambda: spark.read.format("delta").load(path)  # noqa: E731
    expect("rows", table().count(), ROWS + 3000)
    spark.sql(f"update delta.`{path}` set amount = -1 where id < 1000")
    expect("updated", table().where("amount = -1").count(), 1000)
    spark.sql(f"optimize delta.`{path}`").collect()
    spark.sql(f"vacuum delta.`{path}` retain 0 hours").collect()
    expect("rows after maintenance", table().select("id").distinct().count(), ROWS + 3000)


def survivor(spark, bucket, step):
    """A table whose server is killed: once between steps, once while `append` is under way."""
    table = f"{use_catalog(spark, bucket, 's3a')}.db.survivor"
    if step == "make":
        spark.sql(f"create table {table} (id bigint, day int, region string, amount double, note string) using iceberg")
        rows(spark).writeTo(table).append()
    if step == "append":
        rows(spark, APPENDED, ROWS).writeTo(table).append()
    spark.sql(f"refresh table {table}")
    count, ids, distinct = spark.sql(f"select count(*), sum(id), count(distinct note) from {table}").collect()[0]
    assert (ids, distinct) == (count * (count - 1) // 2, count), f"{count} rows whose ids make {ids}"
    print(f"rows: {count}", flush=True)


JOBS = {
    "parquet-rename": lambda spark, bucket: parquet(spark, bucket, "rename"),
    "parquet-magic": lambda spark, bucket: parquet(spark, bucket, "magic"),
    "iceberg-s3fileio": lambda spark, bucket: iceberg(spark, bucket, "s3fileio"),
    "iceberg-s3a": lambda spark, bucket: iceberg(spark, bucket, "s3a"),
    "delta-s3a": delta,
    "survivor-make": lambda spark, bucket: survivor(spark, bucket, "make"),
    "survivor-append": lambda spark, bucket: survivor(spark, bucket, "append"),
    "survivor-read": lambda spark, bucket: survivor(spark, bucket, "read"),
}

if __name__ == "__main__":
    spark = session(*sys.argv[1:])
    print("ready", flush=True)
    for line in sys.stdin:
        job, bucket = line.split()
        try:
            JOBS[job](spark, bucket)
            print("passed", flush=True)
        except Exception as failure:  # The whole stack of the other side is in its log.
            print(f"{type(failure).__name__}: {str(failure)[:2000]}\nfailed", flush=True)
    spark.stop()
