#include "s3/conditions.h"

#include <algorithm>
#include <array>
#include <string>

#include "s3/timestamps.h"

namespace firn::gateway {

namespace {

constexpr std::string_view kIfMatch = "If-Match";
constexpr std::string_view kIfNoneMatch = "If-None-Match";
constexpr std::string_view kIfModifiedSince = "If-Modified-Since";
constexpr std::string_view kIfUnmodifiedSince = "If-Unmodified-Since";

/// The four headers in one of their families, spelled out: a GET looks them up without building a string.
struct HeaderFamily {
  std::string_view prefix, if_match, if_none_match, if_modified_since, if_unmodified_since;
};
constexpr HeaderFamily kPlain = {"", kIfMatch, kIfNoneMatch, kIfModifiedSince, kIfUnmodifiedSince};
constexpr HeaderFamily kCopySource = {"x-amz-copy-source-", "x-amz-copy-source-if-match",
                                      "x-amz-copy-source-if-none-match", "x-amz-copy-source-if-modified-since",
                                      "x-amz-copy-source-if-unmodified-since"};
constexpr HeaderFamily kRenameSource = {"x-amz-rename-source-", "x-amz-rename-source-if-match",
                                        "x-amz-rename-source-if-none-match", "x-amz-rename-source-if-modified-since",
                                        "x-amz-rename-source-if-unmodified-since"};

std::optional<UnixMs> date_header(const Request& request, std::string_view name) {
  const std::string_view value = request.header(name);
  return value.empty() ? std::nullopt : parse_date(value);
}

ReadConditions conditions_of(const Request& request, const HeaderFamily& family) {
  return {.if_match = request.header(family.if_match),
          .if_none_match = request.header(family.if_none_match),
          .if_modified_since = date_header(request, family.if_modified_since),
          .if_unmodified_since = date_header(request, family.if_unmodified_since),
          .prefix = family.prefix};
}

Error failed(std::string_view condition, const ReadConditions& conditions) {
  return error(Errc::precondition_failed, std::string(conditions.prefix).append(condition));
}

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// One tag or "*". A list can't be decided by the metadata tier's single comparison.
Result<std::string> single_tag(std::string_view header) {
  if (header.find(',') != std::string_view::npos) {
    return client_error(Errc::not_implemented, "A list of entity tags is not supported for writes");
  }
  return std::string(unquoted(header));
}

}  // namespace

bool ReadConditions::empty() const {
  return if_match.empty() && if_none_match.empty() && !if_modified_since && !if_unmodified_since;
}

ReadConditions read_conditions(const Request& request) { return conditions_of(request, kPlain); }
ReadConditions copy_source_conditions(const Request& request) { return conditions_of(request, kCopySource); }
ReadConditions rename_source_conditions(const Request& request) { return conditions_of(request, kRenameSource); }

Result<> check_conditions(const ReadConditions& conditions, const metadata::Object& object) {
  if (conditions.empty()) return Unit{};
  const UnixMs modified = to_whole_seconds(object.modified_ms);
  if (!conditions.if_match.empty()) {
    if (!names_etag(conditions.if_match, object.etag)) return failed(kIfMatch, conditions);
  } else if (conditions.if_unmodified_since && modified > *conditions.if_unmodified_since) {
    return failed(kIfUnmodifiedSince, conditions);
  }
  if (!conditions.if_none_match.empty()) {
    if (!names_etag(conditions.if_none_match, object.etag)) return Unit{};
    if (!conditions.prefix.empty()) return failed(kIfNoneMatch, conditions);
    return Errc::not_modified;
  }
  if (conditions.if_modified_since && modified <= *conditions.if_modified_since) {
    if (!conditions.prefix.empty()) return failed(kIfModifiedSince, conditions);
    return Errc::not_modified;
  }
  return Unit{};
}

Result<metadata::Conditions> write_conditions(const Request& request) {
  for (const std::string_view date : {kIfModifiedSince, kIfUnmodifiedSince}) {
    if (request.has_header(date)) {
      return client_error(Errc::not_implemented,
                          "A header you provided implies functionality that is not implemented: " + std::string(date));
    }
  }
  auto if_match = single_tag(request.header(kIfMatch));
  if (!if_match) return std::move(if_match).error();
  auto if_none_match = single_tag(request.header(kIfNoneMatch));
  if (!if_none_match) return std::move(if_none_match).error();
  if (!if_none_match->empty() && *if_none_match != "*") {
    // S3 knows no other form of it on a write.
    return client_error(Errc::not_implemented, "A header you provided implies functionality that is not implemented");
  }
  return metadata::Conditions{.if_match = *std::move(if_match), .if_none_match = *std::move(if_none_match)};
}

bool names_etag(std::string_view header, std::string_view etag) {
  while (!header.empty()) {
    const auto comma = header.find(',');
    std::string_view tag = trimmed(header.substr(0, comma));
    header = comma == std::string_view::npos ? std::string_view{} : header.substr(comma + 1);
    if (tag == "*") return true;
    if (tag.starts_with("W/")) tag.remove_prefix(2);  // S3 compares weak tags like strong ones.
    if (unquoted(tag) == etag) return true;
  }
  return false;
}

std::string_view unquoted(std::string_view etag) {
  const bool quoted = etag.size() >= 2 && etag.front() == '"' && etag.back() == '"';
  return quoted ? etag.substr(1, etag.size() - 2) : etag;
}

std::string_view failed_condition(const Error& failure, const Request& request) {
  // A check made here has named its header; one made in apply can only have been about these two.
  for (const std::string_view prefix : {std::string_view("If-"), kCopySource.prefix, kRenameSource.prefix}) {
    if (failure.detail.starts_with(prefix)) return failure.detail;
  }
  return request.has_header(kIfMatch) ? kIfMatch : kIfNoneMatch;
}

}  // namespace firn::gateway
