// Signature V4 in header and query: no input is let in, since none can be signed with a secret that nobody knows.
#include <boost/beast/http/fields.hpp>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "auth/authenticator.h"
#include "firn/base/assert.h"
#include "http/target.h"

namespace {

using namespace firn::gateway;

constexpr firn::UnixMs kNow =
    1'369'353'600'000;  // 20130524T000000Z, so that dictionaries of the published examples work.

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = std::min(rest.find('\n'), rest.size());
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  return line;
}

boost::beast::string_view view(std::string_view text) { return {text.data(), text.size()}; }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // Lines: method, path, query, then headers as name:value.
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const std::string_view method = take_line(rest);
  const std::string_view path = take_line(rest);
  const std::string_view raw_query = take_line(rest);
  const auto query = parse_query(raw_query);
  if (!query) return 0;
  Fields headers;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || colon == 0) continue;
    headers.insert(view(line.substr(0, colon)), view(line.substr(colon + 1)));
  }
  static const RootCredentialSource credentials("AKIAIOSFODNN7EXAMPLE", "a secret that no corpus holds");
  static const SignatureAuthenticator authenticator(credentials);
  FIRN_ASSERT(!authenticator.authenticate({method, path, raw_query, *query, headers}, kNow));
  return 0;
}
