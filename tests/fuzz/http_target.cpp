// The request target: whatever it holds, bucket, key and parameters come out as text without NUL, or not at all.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/uri_encoding.h"
#include "firn/base/assert.h"
#include "http/target.h"

namespace {

bool is_text(std::string_view bytes) {
  return firn::gateway::is_utf8(bytes) && bytes.find('\0') == std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn::gateway;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const std::size_t space = input.find(' ');
  const std::string_view host = space == std::string_view::npos ? std::string_view("h") : input.substr(0, space);
  const auto target = split_target(space == std::string_view::npos ? input : input.substr(space + 1), host);
  if (!target) return 0;
  FIRN_ASSERT(target->raw_path.starts_with('/'));
  std::string bucket;
  std::string key;
  if (decode_path(target->raw_path, bucket_of_host(host, {"example.com"}), bucket, key)) {
    FIRN_ASSERT(is_text(bucket) && is_text(key));
    FIRN_ASSERT(bucket.size() + key.size() <= host.size() + target->raw_path.size());
  }
  if (const auto query = parse_query(target->raw_query)) {
    for (const auto& parameter : query->parameters()) {
      FIRN_ASSERT(is_text(parameter.name) && is_text(parameter.value));
    }
  }
  return 0;
}
