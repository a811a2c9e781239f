#include "s3/copy_source.h"

#include "auth/uri_encoding.h"
#include "firn/objects/names.h"
#include "s3/object_headers.h"

namespace firn::gateway {

namespace {

constexpr std::string_view kVersionMark = "?versionId=";

Error malformed() {
  return client_error(Errc::invalid_argument,
                      "Copy Source must mention the source bucket and key: sourcebucket/sourcekey");
}

}  // namespace

Result<SourceName> parse_copy_source(std::string_view header) {
  // A '?' of the key itself is encoded, so the first literal one begins the version.
  if (const auto mark = header.find(kVersionMark); mark != std::string_view::npos) {
    if (auto version = check_version_id(header.substr(mark + kVersionMark.size())); !version) {
      return std::move(version).error();
    }
    header = header.substr(0, mark);
  }
  std::string decoded;
  if (!append_percent_decoded(decoded, header, PlusSign::space)) return malformed();
  const std::string_view path = std::string_view(decoded).substr(decoded.starts_with('/') ? 1 : 0);
  const auto slash = path.find('/');
  if (slash == std::string_view::npos || slash == 0 || slash + 1 == path.size()) return malformed();
  SourceName source{std::string(path.substr(0, slash)), std::string(path.substr(slash + 1))};
  if (auto key = objects::check_key(source.key); !key) return std::move(key).error();
  return source;
}

Result<std::string> parse_rename_source(std::string_view header, std::string_view bucket) {
  std::string key;
  if (!append_percent_decoded(key, header, PlusSign::plus)) {
    return client_error(Errc::invalid_argument, "x-amz-rename-source must be URL encoded");
  }
  if (key.starts_with('/')) key.erase(0, 1);
  const bool with_bucket = key.size() > bucket.size() + 1 && key.starts_with(bucket) && key[bucket.size()] == '/';
  if (with_bucket) key.erase(0, bucket.size() + 1);
  if (auto checked = objects::check_key(key); !checked) return std::move(checked).error();
  return key;
}

}  // namespace firn::gateway
