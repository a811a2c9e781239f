#pragma once

#include <string>
#include <string_view>

#include "firn/base/result.h"
#include "firn/metadata/model.h"

namespace firn::gateway {

/// x-amz-tagging: "name=value&name=value", percent-encoded as a query. Errc::invalid_argument when it isn't one,
/// invalid_tag when a tag breaks S3's rules.
Result<metadata::NameValues> parse_tagging_header(std::string_view header);

/// <Tagging><TagSet><Tag><Key/><Value/></Tag>…. Errc::malformed_xml, invalid_tag.
Result<metadata::NameValues> parse_tagging_document(std::string_view xml);

std::string write_tagging_document(const metadata::NameValues& tags);

}  // namespace firn::gateway
