#pragma once

#include <span>
#include <string>
#include <string_view>

#include "s3/request.h"

namespace firn::gateway {

/// S3's XML answer for a failure: status, code and message from kS3Errors, with Resource, RequestId and the extra
/// elements AWS adds for that code (BucketName, Key, Condition, …). HEAD answers have the headers alone.
Reply error_reply(const Error& failure, const Request& request);

/// An element an error has besides the usual ones: {"ActualObjectSize", "11"}.
struct ErrorElement {
  std::string_view name;
  std::string text;
};
Reply error_reply(const Error& failure, const Request& request, std::span<const ErrorElement> extra);

}  // namespace firn::gateway
