#include <algorithm>

#include "apply/context.h"
#include "query/page.h"
#include "query/query.h"
#include "rows/keys.h"
#include "rows/record.h"
#include "rows/seal.h"

namespace firn::metadata::query {
namespace {

/// An object replaced that often between two reads is being written by somebody mad.
constexpr int kVanishedBodiesMax = 64;

/// The body of an inline slice: nothing when it is no more.
Result<std::optional<SharedBytes>> load_inline(const Reader& state, const Slice& slice) {
  const std::string key = keys::inline_body(slice.extent.counter);
  std::string value;
  TRY_LET(const bool found, state.get(Family::inline_bodies, key, value));
  if (!found) return std::optional<SharedBytes>();
  TRY_LET(const std::string_view body, unseal(Family::inline_bodies, key, value));
  if (body.size() != slice.extent_bytes || slice.offset > body.size() || slice.length > body.size() - slice.offset) {
    return corrupt_row(Family::inline_bodies, key, "a slice beyond it");
  }
  Buffer buffer(static_cast<std::size_t>(slice.length));
  std::memcpy(buffer.data(), body.data() + slice.offset, buffer.size());
  const auto owner = std::make_shared<const Buffer>(std::move(buffer));
  return std::optional<SharedBytes>(SharedBytes{owner, owner->view()});
}

/// Whether all bodies were there.
Result<bool> load_inline_bodies(const Reader& state, FoundObject& found) {
  found.inline_bodies.clear();
  for (const Slice& slice : found.object.slices) {
    if (!slice.is_inline()) continue;
    TRY_LET(std::optional<SharedBytes> body, load_inline(state, slice));
    if (!body) return false;
    found.inline_bodies.push_back(std::move(*body));
  }
  return true;
}

Result<ListEntry> entry_of(std::string_view key, std::string_view value) {
  TRY_LET(const RecordHeader header, read_record_header(value));
  return ListEntry{.key = std::string(key),
                   .size_bytes = header.size_bytes,
                   .modified_ms = header.modified_ms,
                   .etag = etag_text(header),
                   .storage_class = std::string(storage_class_name(header.storage_class)),
                   .checksum_algorithm = static_cast<ChecksumAlgorithm>(header.checksum_algorithm),
                   .checksum_type = static_cast<ChecksumType>(header.checksum_type)};
}

}  // namespace

Result<FoundObject> find_object(const Reader& state, BucketId bucket, std::string_view key, bool with_inline_bodies) {
  const std::string row = keys::object(bucket, key);
  std::string value;
  for (int vanished = 0; vanished < kVanishedBodiesMax; ++vanished) {
    TRY_LET(const bool exists, state.get(Family::current, row, value));
    if (!exists) return Errc::no_such_key;
    FoundObject found;
    TRY_LET(found.object, decode_record(Family::current, row, value));
    if (!with_inline_bodies) return found;
    TRY_LET(const bool whole, load_inline_bodies(state, found));
    if (whole) return found;
  }
  return corrupt_row(Family::current, row, "its inline body is missing");
}

Result<ListPage> list_objects(const Reader& state, const ListQuery& query) {
  const std::string bucket = keys::objects_prefix(query.bucket);
  const std::string prefix = bucket + query.prefix;
  const std::string end = end_of_prefix(prefix);
  std::string from = prefix;
  if (!query.start_after.empty()) {
    const std::string common = common_prefix(query.start_after, query.prefix, query.delimiter);
    from = std::max(from, common.empty() ? bucket + query.start_after + '\0' : end_of_prefix(bucket + common));
  }
  ListPage page;
  const auto cursor = state.scan(Family::current, from, end);
  PrefixSkipper skipper;
  std::uint32_t count = 0;
  while (cursor->valid() && query.max_keys != 0) {
    if (count == query.max_keys) {
      page.truncated = true;
      break;
    }
    const std::string_view key = cursor->key().substr(bucket.size());
    std::string common = common_prefix(key, query.prefix, query.delimiter);
    ++count;
    if (common.empty()) {
      TRY_LET(ListEntry entry, entry_of(key, cursor->value()));
      page.next = entry.key;
      page.entries.push_back(std::move(entry));
      cursor->next();
      continue;
    }
    skipper.skip(*cursor, bucket + common);
    page.next = common;
    page.common_prefixes.push_back(std::move(common));
  }
  TRY(cursor->status());
  return page;
}

}  // namespace firn::metadata::query
