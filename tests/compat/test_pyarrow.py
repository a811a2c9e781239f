"""pyarrow's S3 file system: data sets, footers, directories, copies."""

import pyarrow
import pyarrow.dataset
import pyarrow.fs
import pyarrow.parquet
import pytest

from harness.tables import rows


@pytest.fixture
def fs(server):
    return pyarrow.fs.S3FileSystem(access_key=server.access_key, secret_key=server.secret_key, scheme="http", region="us-east-1",
                                   endpoint_override=server.endpoint.removeprefix("http://"), allow_bucket_creation=True)


def test_a_partitioned_data_set(fs, bucket):
    pyarrow.dataset.write_dataset(rows(200_000), f"{bucket}/set", filesystem=fs, format="parquet", partitioning=["region"],
                                  partitioning_flavor="hive")
    data = pyarrow.dataset.dataset(f"{bucket}/set", filesystem=fs, partitioning="hive")
    assert data.count_rows() == 200_000
    field = pyarrow.dataset.field
    found = data.to_table(filter=(field("region") == "eu") & (field("id") < 1000), columns=["id"])
    assert sorted(found["id"].to_pylist()) == list(range(0, 1000, 4))


def test_one_large_file(fs, bucket):
    table = pyarrow.concat_tables([rows(400_000)] * 3)
    pyarrow.parquet.write_table(table, f"{bucket}/one.parquet", filesystem=fs, row_group_size=100_000, compression="none")
    assert pyarrow.parquet.read_metadata(f"{bucket}/one.parquet", filesystem=fs).num_row_groups == 12
    assert pyarrow.parquet.read_table(f"{bucket}/one.parquet", columns=["id"], filesystem=fs) == table.select(["id"])
    assert pyarrow.parquet.read_table(f"{bucket}/one.parquet", filesystem=fs) == table


def test_directories_copies_and_moves(fs, bucket):
    with fs.open_output_stream(f"{bucket}/a/one") as out:
        out.write(b"one")
    fs.copy_file(f"{bucket}/a/one", f"{bucket}/a/two")
    fs.move(f"{bucket}/a/two", f"{bucket}/b/three")
    fs.create_dir(f"{bucket}/empty")
    selected = fs.get_file_info(pyarrow.fs.FileSelector(bucket, recursive=True))
    files = sorted(info.path for info in selected if info.type == pyarrow.fs.FileType.File)
    folders = {info.path for info in selected if info.type == pyarrow.fs.FileType.Directory}
    assert files == [f"{bucket}/a/one", f"{bucket}/b/three"]
    assert f"{bucket}/empty" in folders
    assert fs.open_input_stream(f"{bucket}/b/three").read() == b"one"
    fs.delete_dir(f"{bucket}/a")
    assert fs.get_file_info(f"{bucket}/a/one").type == pyarrow.fs.FileType.NotFound
