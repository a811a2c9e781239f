#include "s3/object_headers.h"

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/algorithm/string/predicate.hpp>

#include "s3/tagging.h"
#include "s3/timestamps.h"

namespace firn::gateway {

namespace {

constexpr std::string_view kMetadataPrefix = "x-amz-meta-";
/// What S3 says of an object whose upload named no type.
constexpr std::string_view kDefaultContentType = "binary/octet-stream";

constexpr auto kStorageClasses = std::to_array<std::string_view>(
    {"STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING", "GLACIER", "DEEP_ARCHIVE",
     "OUTPOSTS", "GLACIER_IR", "SNOW", "EXPRESS_ONEZONE"});

/// Content-Encoding without "aws-chunked", which is how the request was framed and no property of the object. The rest
/// stays as it was spelled.
std::string stored_content_encoding(std::string_view header) {
  std::string kept;
  const bool spaced = header.find(", ") != std::string_view::npos;
  while (!header.empty()) {
    const auto comma = header.find(',');
    std::string_view coding = header.substr(0, comma);
    header = comma == std::string_view::npos ? std::string_view{} : header.substr(comma + 1);
    const auto begin = coding.find_first_not_of(" \t");
    if (begin == std::string_view::npos) continue;
    coding = coding.substr(begin, coding.find_last_not_of(" \t") - begin + 1);
    if (boost::algorithm::iequals(coding, "aws-chunked")) continue;
    if (!kept.empty()) kept += spaced ? ", " : ",";
    kept += coding;
  }
  return kept;
}

/// x-amz-meta-*, names in lower case; a header sent twice becomes one value with a comma, as HTTP has it.
Result<metadata::NameValues> user_metadata(const Request& request) {
  metadata::NameValues pairs;
  std::size_t bytes = 0;
  for (const auto& field : *request.headers) {
    const std::string_view name = field.name_string();
    if (!boost::algorithm::istarts_with(name, kMetadataPrefix)) continue;
    std::string key = boost::algorithm::to_lower_copy(std::string(name.substr(kMetadataPrefix.size())));
    const std::string_view value = field.value();
    bytes += key.size() + value.size();
    const auto same = std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.first == key; });
    if (same == pairs.end()) {
      pairs.emplace_back(std::move(key), value);
    } else {
      same->second.append(",").append(value);
    }
  }
  if (bytes > kUserMetadataBytesMax) return Errc::metadata_too_large;
  return pairs;
}

struct ResponseOverride {
  std::string_view parameter, header;
};
constexpr auto kOverrides = std::to_array<ResponseOverride>({
    {"response-content-type", "Content-Type"},
    {"response-content-language", "Content-Language"},
    {"response-expires", "Expires"},
    {"response-cache-control", "Cache-Control"},
    {"response-content-disposition", "Content-Disposition"},
    {"response-content-encoding", "Content-Encoding"},
});

void replace_header(Reply& reply, std::string_view name, const std::string& value) {
  for (auto& [header, old] : reply.headers) {
    if (header == name) {
      old = value;
      return;
    }
  }
  reply.add(std::string(name), value);
}

Error unsupported_header(std::string_view name) {
  return client_error(Errc::not_implemented,
                      "A header you provided implies functionality that is not implemented: " + std::string(name));
}

/// Header families whose neglect would change what the client was promised.
constexpr auto kUnsupportedPrefixes = std::to_array<std::string_view>({
    "x-amz-server-side-encryption",
    "x-amz-copy-source-server-side-encryption",
    "x-amz-object-lock-",
    "x-amz-grant-",
    "x-amz-write-offset-bytes",
});

/// The ACLs that say what holds anyway: the owner has full control, nobody else anything.
bool says_nothing_new(std::string_view acl) {
  return acl.empty() || acl == "private" || acl == "bucket-owner-full-control";
}

}  // namespace

Result<metadata::Attributes> request_attributes(const Request& request) {
  metadata::Attributes attributes;
  attributes.content_type = request.header("Content-Type");
  attributes.content_encoding = stored_content_encoding(request.header("Content-Encoding"));
  attributes.content_disposition = request.header("Content-Disposition");
  attributes.content_language = request.header("Content-Language");
  attributes.cache_control = request.header("Cache-Control");
  attributes.expires = request.header("Expires");
  attributes.website_redirect = request.header("x-amz-website-redirect-location");
  auto storage_class = parse_storage_class(request.header("x-amz-storage-class"));
  if (!storage_class) return std::move(storage_class).error();
  attributes.storage_class = *std::move(storage_class);
  auto pairs = user_metadata(request);
  if (!pairs) return std::move(pairs).error();
  attributes.user_metadata = *std::move(pairs);
  auto tags = parse_tagging_header(request.header("x-amz-tagging"));
  if (!tags) return std::move(tags).error();
  attributes.tags = *std::move(tags);
  return attributes;
}

std::string_view shown_storage_class(std::string_view stored) { return stored.empty() ? kStorageClasses[0] : stored; }

Result<std::string> parse_storage_class(std::string_view name) {
  if (name.empty() || name == kStorageClasses[0]) return std::string();
  if (std::find(kStorageClasses.begin(), kStorageClasses.end(), name) == kStorageClasses.end()) {
    return Errc::invalid_storage_class;
  }
  return std::string(name);
}

void add_object_headers(Reply& reply, const metadata::Object& object) {
  constexpr std::size_t kUsualHeaders = 12;
  const metadata::Attributes& attributes = object.attributes;
  reply.headers.reserve(kUsualHeaders + attributes.user_metadata.size());
  reply.add("ETag", quoted(object.etag));
  reply.add("Last-Modified", http_date(object.modified_ms));
  reply.add("Accept-Ranges", "bytes");
  reply.add("Content-Type",
            attributes.content_type.empty() ? std::string(kDefaultContentType) : attributes.content_type);
  const auto optional = [&reply](const char* name, const std::string& value) {
    if (!value.empty()) reply.add(name, value);
  };
  optional("Content-Encoding", attributes.content_encoding);
  optional("Content-Disposition", attributes.content_disposition);
  optional("Content-Language", attributes.content_language);
  optional("Cache-Control", attributes.cache_control);
  optional("Expires", attributes.expires);
  optional("x-amz-website-redirect-location", attributes.website_redirect);
  optional("x-amz-storage-class", attributes.storage_class);
  for (const auto& [name, value] : attributes.user_metadata)
    reply.add(std::string(kMetadataPrefix).append(name), value);
  if (!attributes.tags.empty()) reply.add("x-amz-tagging-count", std::to_string(attributes.tags.size()));
}

std::string quoted(std::string_view etag) {
  std::string text;
  text.reserve(etag.size() + 2);
  text += '"';
  text += etag;
  text += '"';
  return text;
}

Result<> apply_response_overrides(Reply& reply, const Request& request) {
  if (request.query.parameters().empty()) return Unit{};
  for (const ResponseOverride& overriding : kOverrides) {
    const std::string* value = request.query.find(overriding.parameter);
    if (!value) continue;
    if (request.identity.access_key.empty()) {
      return client_error(Errc::invalid_request,
                          "Request specific response headers cannot be used for anonymous GET requests.");
    }
    // A line break would let the value end the header; everything else is the client's own business.
    if (value->find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) {
      return client_error(Errc::invalid_argument, std::string(overriding.parameter) + " is not a header value");
    }
    replace_header(reply, overriding.header, *value);
  }
  return Unit{};
}

Result<> reject_unsupported_write_headers(const Request& request) {
  for (const auto& field : *request.headers) {
    const std::string_view name = field.name_string();
    if (!boost::algorithm::istarts_with(name, "x-amz-")) continue;
    for (const std::string_view prefix : kUnsupportedPrefixes) {
      if (boost::algorithm::istarts_with(name, prefix)) return unsupported_header(name);
    }
  }
  if (!says_nothing_new(request.header("x-amz-acl"))) return Errc::access_control_list_not_supported;
  return check_expected_owner(request);
}

Result<> reject_unsupported_read_headers(const Request& request) {
  constexpr std::string_view kCustomerAlgorithm = "x-amz-server-side-encryption-customer-algorithm";
  if (request.has_header(kCustomerAlgorithm)) return unsupported_header(kCustomerAlgorithm);
  return check_expected_owner(request);
}

Result<> check_expected_owner(const Request& request, std::string_view header) {
  const std::string_view expected = request.header(header);
  if (!expected.empty() && expected != request.identity.canonical_id) return Errc::access_denied;
  return Unit{};
}

Result<> check_version_id(const Request& request) {
  const std::string* version = request.query.find("versionId");
  if (!version) return Unit{};
  if (version->empty()) return client_error(Errc::invalid_argument, "Version id cannot be the empty string");
  return check_version_id(*version);
}

Result<> check_version_id(std::string_view version_id) {
  constexpr std::size_t kVersionIdBytes = 32;  // Of every version id S3 gives out.
  if (version_id.empty() || version_id == "null") return Unit{};
  if (version_id.size() == kVersionIdBytes) return Errc::no_such_version;
  return client_error(Errc::invalid_argument, "Invalid version id specified");
}

}  // namespace firn::gateway
