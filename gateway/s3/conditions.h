#pragma once

#include <optional>
#include <string_view>

#include "firn/base/result.h"
#include "firn/metadata/model.h"
#include "s3/request.h"

namespace firn::gateway {

/// Conditional headers of a read. Views into the request's headers.
struct ReadConditions {
  std::string_view if_match, if_none_match;
  std::optional<UnixMs> if_modified_since, if_unmodified_since;
  std::string_view prefix;  ///< Of a source's conditions: nothing is "not modified" then, all that fails is 412.
  bool empty() const;
};

/// If-Match, If-None-Match, If-Modified-Since and If-Unmodified-Since of GET and HEAD. A date that is none is ignored.
ReadConditions read_conditions(const Request& request);
/// The same four with the prefix x-amz-copy-source- or x-amz-rename-source-.
ReadConditions copy_source_conditions(const Request& request);
ReadConditions rename_source_conditions(const Request& request);

/// In RFC 7232's order: Errc::precondition_failed (its detail names the header) or not_modified.
Result<> check_conditions(const ReadConditions& conditions, const metadata::Object& object);

/// If-Match and If-None-Match of a write, for apply to decide. Lists of tags, and dates, are Errc::not_implemented.
Result<metadata::Conditions> write_conditions(const Request& request);

/// Whether an If-Match or If-None-Match value ("*", one tag or a list, quoted or not) names this entity tag.
bool names_etag(std::string_view header, std::string_view etag);
/// A tag without its quotes.
std::string_view unquoted(std::string_view etag);

/// The header an Errc::precondition_failed is about, for the answer's Condition element.
std::string_view failed_condition(const Error& failure, const Request& request);

}  // namespace firn::gateway
