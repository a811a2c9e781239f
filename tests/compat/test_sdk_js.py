"""AWS SDK for JavaScript v3, installed by npm."""

import json
import re
import subprocess

import pytest

from harness.programs import find_program, run
from harness.server import REPOSITORY

# The newest that runs on each Node.js: 18 is Debian 12's.
SDK_VERSIONS = {18: "3.758.0", 20: "3.1169.0"}

PROGRAM = """
import { S3Client, CreateBucketCommand, PutObjectCommand, GetObjectCommand, HeadObjectCommand, DeleteObjectsCommand,
         ListObjectsV2Command, CopyObjectCommand } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { Readable } from 'stream';
import assert from 'assert';
const s3 = new S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1 });
const Bucket = process.argv[2];
await s3.send(new CreateBucketCommand({ Bucket }));
for (const ChecksumAlgorithm of ['CRC32', 'CRC32C', 'SHA1', 'SHA256']) {
  await s3.send(new PutObjectCommand({ Bucket, Key: ChecksumAlgorithm, Body: 'hello', ChecksumAlgorithm }));
  const got = await s3.send(new GetObjectCommand({ Bucket, Key: ChecksumAlgorithm, ChecksumMode: 'ENABLED' }));
  assert.equal(await got.Body.transformToString(), 'hello');
}
const body = Buffer.alloc(12 * 1024 * 1024, 'abcdefg');
const chunks = async function* () { for (let i = 0; i < body.length; i += 100000) yield body.subarray(i, i + 100000); };
await new Upload({ client: s3, params: { Bucket, Key: 'large', Body: Readable.from(chunks()) }, partSize: 5 * 1024 * 1024 }).done();
const large = await s3.send(new GetObjectCommand({ Bucket, Key: 'large' }));
assert(body.equals(Buffer.from(await large.Body.transformToByteArray())));
const tail = await s3.send(new GetObjectCommand({ Bucket, Key: 'large', Range: 'bytes=-3' }));
assert.equal(await tail.Body.transformToString(), body.subarray(-3).toString());
await s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: Readable.from([Buffer.from('one'), Buffer.from('two')]),
                                     ContentLength: 6, ChecksumAlgorithm: 'CRC32' }));
await assert.rejects(s3.send(new PutObjectCommand({ Bucket, Key: 'stream', Body: 'x', IfNoneMatch: '*' })),
                     (e) => e.$metadata.httpStatusCode === 412);
await assert.rejects(s3.send(new HeadObjectCommand({ Bucket, Key: 'none' })), (e) => e.name === 'NotFound');
await s3.send(new CopyObjectCommand({ Bucket, Key: 'copy', CopySource: `${Bucket}/large` }));
const listed = await s3.send(new ListObjectsV2Command({ Bucket }));
assert.deepEqual(listed.Contents.map((o) => o.Key), ['CRC32', 'CRC32C', 'SHA1', 'SHA256', 'copy', 'large', 'stream']);
await s3.send(new DeleteObjectsCommand({ Bucket, Delete: { Objects: listed.Contents.map(({ Key }) => ({ Key })) } }));
console.log('all passed');
"""


@pytest.fixture(scope="module")
def project():
    """A folder with the program and the SDK beside it, which is downloaded once."""
    node, npm = find_program("node"), find_program("npm")
    assert node and npm, "node and npm are not installed: ./dev test installs them"
    major = int(re.match(r"v(\d+)", subprocess.run([node, "--version"], capture_output=True, text=True).stdout)[1])
    version = SDK_VERSIONS[max(known for known in SDK_VERSIONS if known <= major)]
    folder = REPOSITORY / "build" / "sdk-js" / version
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "program.mjs").write_text(PROGRAM)
    if not (folder / "complete").exists():
        (folder / "package.json").write_text(json.dumps({"type": "module", "dependencies": {
            "@aws-sdk/client-s3": version, "@aws-sdk/lib-storage": version}}))
        installed = subprocess.run([npm, "install", "--no-audit", "--no-fund"], cwd=folder, capture_output=True, text=True, timeout=300)
        assert installed.returncode == 0, installed.stderr[-3000:]
        (folder / "complete").touch()
    return folder


def test_the_sdk_for_javascript(server, project, bucket):
    assert "all passed" in run(server, [find_program("node"), "program.mjs", f"{bucket}-js"], project)
