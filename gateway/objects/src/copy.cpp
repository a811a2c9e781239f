#include "firn/objects/names.h"
#include "firn/objects/store.h"
#include "src/source.h"

namespace firn::objects {

namespace {

/// What the copy says of itself: the request's attributes, with what its directives keep of the source.
metadata::Attributes attributes_of_copy(const CopyRequest& request, const metadata::Object& source) {
  metadata::Attributes attributes = request.attributes;
  if (request.keep_attributes) {
    attributes = source.attributes;
    attributes.storage_class = request.attributes.storage_class;
    attributes.website_redirect = request.attributes.website_redirect;
  }
  attributes.tags = request.keep_tags ? source.attributes.tags : request.attributes.tags;
  return attributes;
}

metadata::PutObject copy_of(const CopyRequest& request, const metadata::Object& source) {
  return {.bucket = request.bucket,
          .key = request.key,
          .conditions = request.conditions,
          .size_bytes = source.size_bytes,
          .etag = source.etag,
          .checksum = source.checksum,
          .attributes = attributes_of_copy(request, source),
          .parts = source.parts,
          .body = {.slices = source.slices}};
}

Task<CopyResult> copy_once(Store& store, metadata::Client& metadata, const CopyRequest& request) {
  CO_TRY_LET(const auto source, co_await find_source(metadata, request.source));
  if (source.size_bytes > kPutBytesMax) {
    co_return client_error(Errc::invalid_request,
                           "The specified copy source is larger than the maximum allowable size for a copy source: " +
                               std::to_string(kPutBytesMax));
  }
  metadata::PutObject put = copy_of(request, source);
  if (request.algorithm != ChecksumAlgorithm::none && request.algorithm != source.checksum.algorithm) {
    const ByteRange whole{0, source.size_bytes};
    CO_TRY_LET(put.checksum, co_await checksum_of_range(store, request.source, source, whole, request.algorithm));
    for (auto& part : put.parts) part.checksum.clear();  // They were of the other algorithm.
  }
  CopyResult result{.checksum = put.checksum, .part_count = put.parts.size()};
  CO_TRY_LET(result.committed, co_await metadata.put_object(std::move(put)));
  co_return result;
}

}  // namespace

Task<CopyResult> Store::copy(CopyRequest request) {
  for (int attempt = 1;; ++attempt) {
    auto copied = co_await copy_once(*this, metadata_, request);
    if (copied.code() != Errc::source_changed || attempt == kSourceAttemptsMax) co_return copied;
  }
}

}  // namespace firn::objects
