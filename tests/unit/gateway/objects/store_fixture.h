#pragma once

#include <gtest/gtest.h>

#include <string>

#include "fake_metadata.h"
#include "fake_volumes.h"
#include "firn/base/digest.h"
#include "firn/objects/store.h"
#include "run.h"
#include "text_source.h"

namespace firn::test {

/// A store over the fakes, with one bucket.
struct StoreFixture : ::testing::Test {
  FakeMetadata metadata;
  FakeVolumes volumes;
  objects::Store store;
  BucketId bucket;

  explicit StoreFixture(objects::Store::Options options = {.gateway = Uuid{{7}}}) : store(metadata, volumes, options) {
    EXPECT_TRUE(run(store.start()));
    const auto made = run(store.create_bucket("bucket", ""));
    EXPECT_TRUE(made);
    bucket = made->id;
  }

  Result<objects::PutResult> put(const std::string& key, TextSource& source, objects::Integrity integrity = {}) {
    objects::PutRequest request{.bucket = bucket, .key = key};
    request.integrity = std::move(integrity);
    return run(store.put(std::move(request), source));
  }
  Result<objects::PutResult> put(const std::string& key, const std::string& text) {
    TextSource source(text);
    return put(key, source);
  }

  Result<std::string> read(const std::string& key, std::optional<ByteRange> range = std::nullopt) {
    return run(read_all(key, range));
  }
  metadata::Object object(const std::string& key) { return run(store.find(bucket, key)).value().object; }

  /// Bytes that differ everywhere, so that a wrong offset shows.
  static std::string text_of(std::size_t bytes, unsigned seed = 1) {
    std::string text(bytes, '\0');
    std::uint32_t state = seed;
    for (char& c : text) c = static_cast<char>((state = state * 1'664'525 + 1'013'904'223) >> 24);
    return text;
  }

 private:
  Task<std::string> read_all(std::string key, std::optional<ByteRange> range) {
    CO_TRY_LET(const auto found, co_await store.find_with_bodies(bucket, key));
    CO_TRY_LET(const auto reader, store.read(found, range.value_or(ByteRange{0, found.object.size_bytes})));
    CO_TRY(co_await reader->prepare());
    std::string text;
    while (true) {
      CO_TRY_LET(const ByteView bytes, co_await reader->next());
      if (bytes.empty()) break;
      text += as_text(bytes);
    }
    if (text.size() != reader->length_bytes()) co_return Errc::internal;
    co_return text;
  }
};

}  // namespace firn::test
