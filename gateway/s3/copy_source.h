#pragma once

#include <string>

#include "firn/base/result.h"
#include "s3/request.h"

namespace firn::gateway {

/// Another object, as a header names it.
struct SourceName {
  std::string bucket, key;
};

/// x-amz-copy-source: "[/]bucket/key[?versionId=null]", percent-encoded; S3 reads '+' as a space there.
/// Errc::invalid_argument, and what check_version_id answers.
Result<SourceName> parse_copy_source(std::string_view header);

/// x-amz-rename-source: "[/]key" of the same bucket, or "[/]bucket/key" as clients that know paths only write it. A key
/// that begins with its own bucket's name and '/' must be given in the second form. Errc::invalid_argument.
Result<std::string> parse_rename_source(std::string_view header, std::string_view bucket);

}  // namespace firn::gateway
