#!/usr/bin/env python3
"""One Spark job per call: writes and changes a table on the server named by the AWS_ variables, and checks every count.

  spark_job.py JOB BUCKET JARS      JOB: parquet, magic, iceberg-s3fileio, iceberg-s3a or delta; JARS: comma separated
"""

import os
import sys

from pyspark.sql import SparkSession, functions

ROWS = 1_000_000
ENDPOINT, KEY, SECRET = (os.environ[n] for n in ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"))

S3A = {
    "spark.hadoop.fs.s3a.endpoint": ENDPOINT, "spark.hadoop.fs.s3a.path.style.access": "true",
    "spark.hadoop.fs.s3a.access.key": KEY, "spark.hadoop.fs.s3a.secret.key": SECRET,
    "spark.hadoop.fs.s3a.connection.ssl.enabled": "false", "spark.hadoop.fs.s3a.endpoint.region": "us-east-1",
}
MAGIC = {
    "spark.hadoop.fs.s3a.committer.name": "magic", "spark.hadoop.fs.s3a.committer.magic.enabled": "true",
    "spark.hadoop.mapreduce.outputcommitter.factory.scheme.s3a": "org.apache.hadoop.fs.s3a.commit.S3ACommitterFactory",
    "spark.sql.sources.commitProtocolClass": "org.apache.spark.internal.io.cloud.PathOutputCommitProtocol",
    "spark.sql.parquet.output.committer.class": "org.apache.spark.internal.io.cloud.BindingParquetOutputCommitter",
}


def iceberg(bucket, file_io):
    options = {"spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
               "spark.sql.catalog.ice": "org.apache.iceberg.spark.SparkCatalog"}
    if file_io == "s3a":
        return options | {"spark.sql.catalog.ice.type": "hadoop", "spark.sql.catalog.ice.warehouse": f"s3a://{bucket}/warehouse"}
    catalog = {"type": "jdbc", "uri": "jdbc:h2:mem:ice;DB_CLOSE_DELAY=-1", "jdbc.schema-version": "V1",
               "warehouse": f"s3://{bucket}/warehouse", "io-impl": "org.apache.iceberg.aws.s3.S3FileIO", "s3.endpoint": ENDPOINT,
               "s3.path-style-access": "true", "s3.access-key-id": KEY, "s3.secret-access-key": SECRET, "client.region": "us-east-1"}
    return options | {f"spark.sql.catalog.ice.{name}": value for name, value in catalog.items()}


def options_of(job, bucket):
    delta = {"spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
             "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
             "spark.databricks.delta.retentionDurationCheck.enabled": "false"}
    more = {"parquet": {}, "magic": MAGIC, "iceberg-s3fileio": iceberg(bucket, "s3fileio"), "iceberg-s3a": iceberg(bucket, "s3a"),
            "delta": delta}
    return S3A | more[job]


def session(job, bucket, jars):
    builder = SparkSession.builder.master("local[2]").appName(job)
    fixed = {"spark.jars": jars, "spark.driver.memory": "2g", "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "4",
             "spark.driver.extraJavaOptions": "-Daws.region=us-east-1"}
    for name, value in (fixed | options_of(job, bucket)).items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("ERROR")
    return made


def rows(spark, count=ROWS, first=0):
    region = functions.expr("element_at(array('eu', 'us', 'ap', 'sa'), cast(id % 4 + 1 as int))")
    return spark.range(first, first + count, 1, 4).select(
        "id", (functions.col("id") % 8).cast("int").alias("day"), region.alias("region"),
        (functions.col("id") * 7919 % 100003 / 16.0).alias("amount"), functions.expr("concat('note-', md5(cast(id as string)))").alias("note"))


def expect(what, seen, expected):
    assert seen == expected, f"{what}: {seen} instead of {expected}"
    print(f"{what}: {seen}", flush=True)


def parquet(spark, bucket):
    path = f"s3a://{bucket}/t"
    rows(spark).write.mode("overwrite").partitionBy("region").parquet(path)
    rows(spark, 1000, ROWS).write.mode("append").partitionBy("region").parquet(path)
    table = spark.read.parquet(path)
    expect("rows", table.count(), ROWS + 1000)
    expect("filtered", table.where("region = 'eu' and id < 5000").count(), 1250)
    expect("ids", table.agg(functions.sum("id")).collect()[0][0], (ROWS + 1000) * (ROWS + 999) // 2)
    expect("regions", table.groupBy("region").count().count(), 4)
    rows(spark, 100_000).write.mode("overwrite").csv(f"s3a://{bucket}/csv")
    rows(spark, 50_000).write.mode("overwrite").csv(f"s3a://{bucket}/csv")
    expect("overwritten", spark.read.csv(f"s3a://{bucket}/csv").count(), 50_000)


def iceberg_table(spark, bucket):
    spark.sql("create namespace if not exists ice.db")
    spark.sql("create table ice.db.t (id bigint, day int, region string, amount double, note string) using iceberg "
              "partitioned by (region)")
    rows(spark).writeTo("ice.db.t").append()
    for i in range(4):
        rows(spark, 2000, ROWS + i * 2000).writeTo("ice.db.t").append()
    count = lambda where="true": spark.sql(f"select count(*) from ice.db.t where {where}").collect()[0][0]  # noqa: E731
    expect("rows", count(), ROWS + 8000)
    expect("filtered", count("region = 'eu' and id < 5000"), 1250)
    spark.range(1000).withColumnRenamed("id", "k").createOrReplaceTempView("u")
    spark.sql("merge into ice.db.t t using u on t.id = u.k when matched then update set amount = -1")
    expect("merged", count("amount = -1"), 1000)
    spark.sql("delete from ice.db.t where id < 100")
    spark.sql("call ice.system.rewrite_data_files(table => 'db.t', options => map('min-input-files', '2'))").collect()
    spark.sql("call ice.system.rewrite_manifests('db.t')").collect()
    spark.sql("call ice.system.expire_snapshots(table => 'db.t', older_than => timestamp '2099-01-01 00:00:00', retain_last => 1)").collect()
    expect("rows after maintenance", count(), ROWS + 8000 - 100)
    expect("ids", spark.sql("select count(distinct id) from ice.db.t").collect()[0][0], ROWS + 8000 - 100)
    spark.sql("drop table ice.db.t purge")


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


JOBS = {"parquet": parquet, "magic": parquet, "iceberg-s3fileio": iceberg_table, "iceberg-s3a": iceberg_table, "delta": delta}

if __name__ == "__main__":
    job, bucket, jars = sys.argv[1:4]
    spark = session(job, bucket, jars)
    JOBS[job](spark, bucket)
    spark.stop()
    print("all passed")
