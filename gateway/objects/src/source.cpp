#include "src/source.h"

namespace firn::objects {

Task<metadata::Object> find_source(metadata::Client& metadata, const CopySource& source) {
  CO_TRY_LET(auto found, co_await metadata.find_object(source.bucket, source.key, false));
  if (source.check) CO_TRY(source.check(found.object));
  co_return std::move(found.object);
}

Task<metadata::Checksum> checksum_of_range(Store& store, const CopySource& source, const metadata::Object& expected,
                                           ByteRange range, ChecksumAlgorithm algorithm) {
  CO_TRY_LET(const auto found, co_await store.find_with_bodies(source.bucket, source.key));
  if (found.object.order != expected.order) co_return error(Errc::source_changed, "replaced while it was read");
  CO_TRY_LET(const auto reader, store.read(found, range));
  RunningChecksum checksum(algorithm);
  while (true) {
    auto next = co_await reader->next();
    if (next.code() == Errc::not_found) co_return error(Errc::source_changed, "its extents are gone");
    CO_TRY_LET(const ByteView bytes, std::move(next));
    if (bytes.empty()) break;
    checksum.update(bytes);
  }
  co_return metadata::Checksum{.algorithm = algorithm, .value = checksum.finish()};
}

}  // namespace firn::objects
