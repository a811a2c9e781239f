#include <algorithm>

#include "apply/context.h"
#include "query/page.h"
#include "query/query.h"
#include "rows/keys.h"
#include "rows/record.h"
#include "rows/rows.h"

namespace firn::metadata::query {
namespace {

/// The row after which an upload page begins.
std::string first_row(const UploadQuery& query) {
  const std::string prefix = keys::uploads_with_key_prefix(query.bucket, query.prefix);
  if (query.key_marker.empty()) return prefix;
  const std::string common = common_prefix(query.key_marker, query.prefix, query.delimiter);
  std::string from;
  if (!common.empty()) {
    from = end_of_prefix(keys::uploads_with_key_prefix(query.bucket, common));
  } else if (query.upload_id_marker) {
    from = keys::upload(query.bucket, query.key_marker, *query.upload_id_marker) + '\0';
  } else {
    from = end_of_prefix(keys::uploads_prefix(query.bucket, query.key_marker));
  }
  return std::max(prefix, from);
}

}  // namespace

Result<Upload> find_upload(const Reader& state, BucketId bucket, std::string_view key, const Uuid& id) {
  TRY_LET(auto upload, load<Upload>(state, Family::uploads, keys::upload(bucket, key, id)));
  if (!upload) return Errc::no_such_upload;
  return std::move(*upload);
}

Result<PartPage> list_parts(const Reader& state, const PartsQuery& query) {
  PartPage page;
  TRY_LET(page.upload, find_upload(state, query.bucket, query.key, query.upload));
  if (query.max_parts == 0) return page;
  const std::string prefix = keys::parts_prefix(query.upload);
  const auto cursor =
      state.scan(Family::uploads, keys::part(query.upload, query.part_number_marker) + '\0', end_of_prefix(prefix));
  for (; cursor->valid(); cursor->next()) {
    if (page.parts.size() == query.max_parts) {
      page.truncated = true;
      break;
    }
    std::uint32_t number = 0;
    if (!keys::parse_part(cursor->key(), number)) return corrupt_row(Family::uploads, cursor->key(), "key");
    TRY_LET(StoredPart stored, decode_part(cursor->key(), number, cursor->value()));
    page.next_part_number_marker = number;
    page.parts.push_back(std::move(stored.part));
  }
  TRY(cursor->status());
  return page;
}

Result<UploadPage> list_uploads(const Reader& state, const UploadQuery& query) {
  UploadPage page;
  const std::string end = end_of_prefix(keys::uploads_with_key_prefix(query.bucket, query.prefix));
  const auto cursor = state.scan(Family::uploads, first_row(query), end);
  PrefixSkipper skipper;
  std::uint32_t count = 0;
  while (cursor->valid() && query.max_uploads != 0) {
    if (count == query.max_uploads) {
      page.truncated = true;
      break;
    }
    std::string key;
    Uuid id;
    if (!keys::parse_upload(cursor->key(), key, id)) return corrupt_row(Family::uploads, cursor->key(), "key");
    ++count;
    std::string common = common_prefix(key, query.prefix, query.delimiter);
    if (common.empty()) {
      TRY_LET(Upload upload, unseal_row<Upload>(Family::uploads, cursor->key(), cursor->value()));
      page.uploads.push_back(std::move(upload));
      page.next_key_marker = std::move(key);
      page.next_upload_id_marker = id;
      cursor->next();
      continue;
    }
    skipper.skip(*cursor, keys::uploads_with_key_prefix(query.bucket, common));
    page.next_key_marker = common;
    page.next_upload_id_marker.reset();
    page.common_prefixes.push_back(std::move(common));
  }
  TRY(cursor->status());
  return page;
}

}  // namespace firn::metadata::query
