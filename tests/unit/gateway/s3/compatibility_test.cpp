// docs/s3-compatibility.md says what the operation table says.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "s3/operations.h"

namespace firn::gateway {
namespace {

constexpr const char* kPath = FIRN_TEST_SOURCE_DIR "/../../../../docs/s3-compatibility.md";
constexpr std::string_view kBegin = "<!-- operations: written by s3_compatibility_test -->\n";
constexpr std::string_view kEnd = "<!-- end of operations -->\n";

/// As a client would write it: "PUT /bucket/key?partNumber".
std::string request_of(const Operation& operation) {
  std::string text(boost::beast::http::to_string(operation.method));
  text += operation.scope == Scope::service ? " /" : operation.scope == Scope::bucket ? " /bucket" : " /bucket/key";
  if (!operation.subresource.empty()) text += "?" + std::string(operation.subresource);
  if (!operation.header.empty()) text += " with " + std::string(operation.header);
  return text;
}

std::string rendered() {
  std::ostringstream out;
  std::size_t implemented = 0;
  for (const Operation& operation : operations()) implemented += is_implemented(operation);
  out << implemented << " of " << operations().size()
      << " operations are implemented; the others answer `501 NotImplemented`.\n\n"
      << "| operation | request | IAM action | implemented |\n|---|---|---|---|\n";
  for (const Operation& operation : operations()) {
    out << "| " << operation.name << " | `" << request_of(operation) << "` | `" << operation.action << "` | "
        << (is_implemented(operation) ? "yes" : "–") << " |\n";
  }
  return out.str();
}

TEST(Compatibility, IsDocumentedAsTheTableHasIt) {
  std::ifstream in(kPath);
  std::string document((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto begin = document.find(kBegin);
  const auto end = document.find(kEnd);
  ASSERT_NE(begin, std::string::npos) << kPath;
  ASSERT_NE(end, std::string::npos);
  const std::size_t from = begin + kBegin.size();
  if (std::getenv("FIRN_WRITE_DOCS")) {
    document.replace(from, end - from, rendered());
    std::ofstream(kPath) << document;
    return;
  }
  EXPECT_EQ(document.substr(from, end - from), rendered()) << "run this test with FIRN_WRITE_DOCS=1 to write it anew";
}

}  // namespace
}  // namespace firn::gateway
