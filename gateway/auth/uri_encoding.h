#pragma once

#include <string>
#include <string_view>

namespace firn::gateway {

/// What a '+' stands for: itself in a path, a space in a query (as S3 reads forms).
enum class PlusSign : bool { plus, space };

/// Appends `text` with every %XX replaced by its byte. False when a '%' is not followed by two hexadecimal digits;
/// `out` then holds the part before it.
[[nodiscard]] bool append_percent_decoded(std::string& out, std::string_view text, PlusSign plus);

/// What Signature V4 calls UriEncode, applied to the decoded form of `raw`: unreserved bytes (A-Z a-z 0-9 - . _ ~) as
/// they are, all else as upper-case %XX. A '%' that starts no valid escape is encoded like any other byte.
void append_canonical_path(std::string& out, std::string_view raw);        ///< '/' and "%2F" both become '/'.
void append_canonical_query_text(std::string& out, std::string_view raw);  ///< '/' is encoded, '+' means a space.

/// Whether the bytes are UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view bytes);

}  // namespace firn::gateway
