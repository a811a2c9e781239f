#include "firn/objects/store.h"
#include "src/body_writer.h"
#include "src/slices.h"
#include "src/source.h"

namespace firn::objects {

namespace {

constexpr std::size_t kMd5HexDigits = 32;

/// The checksum of a part that is a range of `source`: the source's own where it fits; read for when the client asked
/// for an algorithm; none where only Firn chose one, because a copy by reference is worth more than a default nobody
/// asked for.
Task<metadata::Checksum> checksum_of_part(Store& store, const PartCopyRequest& request, const metadata::Object& source,
                                          ByteRange range) {
  const ChecksumAlgorithm algorithm = request.upload.checksum_algorithm;
  const bool whole = range.length == source.size_bytes;
  if (algorithm == ChecksumAlgorithm::none) co_return metadata::Checksum{};
  if (whole && source.checksum.algorithm == algorithm && source.checksum.type == metadata::ChecksumType::full_object) {
    co_return source.checksum;
  }
  if (!request.upload.checksum_asked) co_return metadata::Checksum{};
  co_return co_await checksum_of_range(store, request.source, source, range, algorithm);
}

Task<metadata::Part> copy_part_once(Store& store, metadata::Client& metadata, const PartCopyRequest& request) {
  CO_TRY_LET(const auto source, co_await find_source(metadata, request.source));
  ByteRange range{0, source.size_bytes};
  if (request.range) {
    CO_TRY_LET(range, request.range(source));
  }
  metadata::PutPart put{.bucket = request.bucket, .key = request.key, .upload = request.upload.id};
  put.body.slices = cut(source.slices, range);
  put.part.number = request.number;
  put.part.size_bytes = range.length;
  const bool has_md5 = range.length == source.size_bytes && source.etag.size() == kMd5HexDigits;
  put.part.etag = has_md5 ? source.etag : reference_etag(put.body.slices);
  CO_TRY_LET(put.part.checksum, co_await checksum_of_part(store, request, source, range));
  co_return co_await metadata.put_part(std::move(put));
}

}  // namespace

Task<metadata::Part> Store::put_part(PartRequest request, BodySource& body) {
  const BodyPlace place{volumes_, *extent_ids_, request.bucket, options_.inline_bytes_max};
  CO_TRY_LET(StoredBody stored, co_await store_body(place, request.integrity, body));
  metadata::PutPart put{.bucket = request.bucket, .key = std::move(request.key), .upload = request.upload.id};
  put.part.number = request.number;
  put.part.size_bytes = stored.size_bytes;
  put.part.etag = std::move(stored.etag);
  put.part.checksum = std::move(stored.checksum);
  put.body = std::move(stored.ref);
  // Awaited here, not passed on: the ticket in `stored` must live until the commit has returned.
  auto part = co_await metadata_.put_part(std::move(put));
  if (part && stored.ticket) stored.ticket->committed();
  co_return part;
}

Task<metadata::Part> Store::copy_part(PartCopyRequest request) {
  for (int attempt = 1;; ++attempt) {
    auto copied = co_await copy_part_once(*this, metadata_, request);
    if (copied.code() != Errc::source_changed || attempt == kSourceAttemptsMax) co_return copied;
  }
}

}  // namespace firn::objects
