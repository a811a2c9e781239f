#include <fmt/format.h>

#include <boost/json/serialize.hpp>
#include <cstdio>
#include <cstdlib>
#include <variant>

#include "command_line.h"
#include "commands.h"
#include "firn/base/log.h"

namespace {

using namespace firn;

/// Exit codes, beside 0: as `firn --help` lists them.
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kFoundDamage = 3;

int fail(const Error& failure, bool json, int code) {
  const std::string why =
      failure.message.empty() ? std::string(to_string(failure.code)) + " " + failure.detail : failure.message;
  if (json) fmt::print("{}\n", boost::json::serialize(boost::json::object{{"error", why}}));
  fmt::print(stderr, "firn: {}\n", why);
  return code;
}

}  // namespace

int main(int argc, char** argv) {
  log::set_level(log::Level::warn);
  const auto line = cli::read_command_line(argc, argv);
  if (!line) return fail(line.error(), false, kUsage);
  if (const auto* printed = std::get_if<cli::Printed>(&*line)) {
    fmt::print("{}", printed->text);
    return EXIT_SUCCESS;
  }
  const auto& asked = std::get<cli::Invocation>(*line);
  const auto done = cli::carry_out(asked, [](const char* name) -> const char* { return std::getenv(name); });
  if (!done) return fail(done.error(), asked.json, done.code() == Errc::invalid_argument ? kUsage : kFailed);
  fmt::print("{}", asked.json ? boost::json::serialize(done->content) + "\n" : done->text);
  return done->sound ? EXIT_SUCCESS : kFoundDamage;
}
