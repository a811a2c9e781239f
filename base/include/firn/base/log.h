#pragma once

#include <fmt/core.h>

#include <string_view>
#include <utility>

/// The process's log: one line per event on standard error, time in UTC.
///
/// Threads: callable from any. A line is written before the call returns, so the last line before a crash is there.
/// Cost: a line below the level costs one load and no formatting.
namespace firn::log {

enum class Level : int { trace, debug, info, warn, error, off };

/// `info` until set.
void set_level(Level level);
Level level();
/// By name, as the configuration spells it; false when there is no such level.
[[nodiscard]] bool parse(std::string_view name, Level& level);

bool enabled(Level level);

/// `text` as one line. Control characters are written escaped: what clients send can't forge a line.
void write(Level level, std::string_view text);

namespace detail {
void format_and_write(Level level, fmt::string_view format, fmt::format_args args);
}

template <class... Args>
void at(Level level, fmt::format_string<Args...> format, Args&&... args) {
  if (enabled(level)) detail::format_and_write(level, format, fmt::make_format_args(args...));
}
template <class... Args>
void debug(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::debug, format, std::forward<Args>(args)...);
}
template <class... Args>
void info(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::info, format, std::forward<Args>(args)...);
}
template <class... Args>
void warn(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::warn, format, std::forward<Args>(args)...);
}
template <class... Args>
void error(fmt::format_string<Args...> format, Args&&... args) {
  at(Level::error, format, std::forward<Args>(args)...);
}

}  // namespace firn::log
