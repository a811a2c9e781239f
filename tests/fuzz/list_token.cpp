// Any continuation token: refused, or one that was made here. And the small header languages beside it.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "firn/base/assert.h"
#include "s3/copy_source.h"
#include "s3/list_token.h"
#include "s3/ranges.h"
#include "s3/tagging.h"
#include "s3/timestamps.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn::gateway;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = decode_list_token(text)) {
    FIRN_ASSERT(encode_list_token(*name) == text);
  }
  FIRN_ASSERT(*decode_list_token(encode_list_token(text.substr(0, 1024))) == text.substr(0, 1024));

  constexpr std::uint64_t kSizeBytes = 1'000;
  const auto range = resolve_range(text, kSizeBytes);
  if (range && *range) FIRN_ASSERT((*range)->length > 0 && (*range)->end() <= kSizeBytes);
  const auto copied = resolve_copy_range(text, kSizeBytes);
  if (copied) FIRN_ASSERT(copied->length > 0 && copied->end() <= kSizeBytes);
  if (const auto source = parse_copy_source(text)) FIRN_ASSERT(!source->bucket.empty() && !source->key.empty());
  (void)parse_rename_source(text, "bucket");
  (void)parse_tagging_header(text);
  if (const auto date = parse_date(text)) (void)http_date(*date);
  return 0;
}
