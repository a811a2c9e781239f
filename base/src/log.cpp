#include "firn/base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <utility>

namespace firn::log {
namespace {

std::atomic<Level> current_level{Level::info};

spdlog::level::level_enum to_spdlog(Level level) {
  switch (level) {
    case Level::trace:
      return spdlog::level::trace;
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      return spdlog::level::err;
    case Level::off:
      break;
  }
  return spdlog::level::off;
}

/// Never destroyed: threads and destructors that end after main may still log.
spdlog::logger& logger() {
  static spdlog::logger& instance = [&]() -> spdlog::logger& {
    auto* made = new spdlog::logger("firn", std::make_shared<spdlog::sinks::stderr_sink_mt>());
    made->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    made->set_level(spdlog::level::trace);  // `enabled` has decided already.
    return *made;
  }();
  return instance;
}

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }

std::string escaped(std::string_view text) {
  std::string safe;
  safe.reserve(text.size() + 16);
  for (const char c : text) {
    if (is_control(c)) {
      safe += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      safe += c;
    }
  }
  return safe;
}

constexpr std::array<std::pair<std::string_view, Level>, 6> kLevels = {{
    {"trace", Level::trace},
    {"debug", Level::debug},
    {"info", Level::info},
    {"warn", Level::warn},
    {"error", Level::error},
    {"off", Level::off},
}};

}  // namespace

void set_level(Level level) { current_level.store(level, std::memory_order_relaxed); }
Level level() { return current_level.load(std::memory_order_relaxed); }
bool enabled(Level level) { return level >= current_level.load(std::memory_order_relaxed) && level != Level::off; }

bool parse(std::string_view name, Level& level) {
  for (const auto& [known, value] : kLevels) {
    if (known != name) continue;
    level = value;
    return true;
  }
  return false;
}

void write(Level level, std::string_view text) {
  if (!enabled(level)) return;
  const bool clean = std::find_if(text.begin(), text.end(), is_control) == text.end();
  if (clean) {
    logger().log(to_spdlog(level), text);
  } else {
    logger().log(to_spdlog(level), escaped(text));
  }
}

void detail::format_and_write(Level level, fmt::string_view format, fmt::format_args args) {
  write(level, fmt::vformat(format, args));
}

}  // namespace firn::log
