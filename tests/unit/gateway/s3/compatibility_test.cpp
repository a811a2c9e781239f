// docs/s3-compatibility.md says what the operation table and the lists of the conformance run say.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "s3/operations.h"

namespace firn::gateway {
namespace {

const std::string kRepository = FIRN_TEST_SOURCE_DIR "/../../../../";
const std::string kDocument = kRepository + "docs/s3-compatibility.md";

std::string read_file(const std::string& path) {
  std::ifstream in(path);
  EXPECT_TRUE(in) << path;
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

/// As a client would write it: "PUT /bucket/key?partNumber".
std::string request_of(const Operation& operation) {
  std::string text(boost::beast::http::to_string(operation.method));
  text += operation.scope == Scope::service ? " /" : operation.scope == Scope::bucket ? " /bucket" : " /bucket/key";
  if (!operation.subresource.empty()) text += "?" + std::string(operation.subresource);
  if (!operation.header.empty()) text += " with " + std::string(operation.header);
  return text;
}

std::string rendered_operations() {
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

struct ListedTest {
  std::string name, reason;
};

/// The lines of one of the conformance run's lists: a name, white space, a reason.
std::vector<ListedTest> listed(const std::string& file) {
  std::istringstream lines(read_file(kRepository + "tests/conformance/" + file));
  std::vector<ListedTest> tests;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line.front() == '#') continue;
    const auto space = line.find(' ');
    tests.push_back({line.substr(0, space), line.substr(line.find_first_not_of(' ', space))});
  }
  return tests;
}

std::string rendered_conformance() {
  std::ostringstream out;
  const auto failures = listed("s3-tests-failures.txt");
  out << "These " << failures.size() << " tests fail:\n\n| test | why |\n|---|---|\n";
  for (const auto& [name, reason] : failures) out << "| `" << name << "` | " << reason << " |\n";
  std::map<std::string, std::size_t> reasons;
  for (const auto& [name, reason] : listed("s3-tests-excluded.txt")) ++reasons[reason];
  out << "\nThese are left out, by name in `tests/conformance/s3-tests-excluded.txt`:\n\n| tests | why |\n|---|---|\n";
  for (const auto& [reason, count] : reasons) out << "| " << count << " | " << reason << " |\n";
  return out.str();
}

/// Compares the part between two comments with what it should be, or writes it.
void check_part(const std::string& name, const std::string& rendered) {
  const std::string begin = "<!-- " + name + ": written by s3_compatibility_test -->\n";
  const std::string end = "<!-- end of " + name + " -->\n";
  std::string document = read_file(kDocument);
  const auto from = document.find(begin);
  const auto to = document.find(end);
  ASSERT_NE(from, std::string::npos) << begin;
  ASSERT_NE(to, std::string::npos) << end;
  const std::size_t at = from + begin.size();
  if (std::getenv("FIRN_WRITE_DOCS")) {
    document.replace(at, to - at, rendered);
    std::ofstream(kDocument) << document;
    return;
  }
  EXPECT_EQ(document.substr(at, to - at), rendered) << "run this test with FIRN_WRITE_DOCS=1 to write it anew";
}

TEST(Compatibility, IsDocumentedAsTheTableHasIt) { check_part("operations", rendered_operations()); }

TEST(Conformance, IsDocumentedAsTheListsHaveIt) { check_part("conformance", rendered_conformance()); }

}  // namespace
}  // namespace firn::gateway
