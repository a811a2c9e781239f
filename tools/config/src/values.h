#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "firn/config/config.h"
#include "firn/config/settings.h"

namespace firn::config {

/// Who gave a value; a later one prevails.
enum class Source : std::uint8_t { file, minio, firn, flag };

/// A setting as given, before it is understood.
struct Value {
  Source source = Source::file;
  std::vector<std::string> words;
};

/// What was given, by key; unset where only the default is left.
using Values = std::array<std::optional<Value>, kKeys>;

/// What the command line says, or what it asks to print.
struct CommandLine {
  Values values;
  std::string config_path;
  std::optional<std::string> printed;
};

Result<CommandLine> read_command_line(int argc, const char* const* argv);
Values read_environment(const Environment& environment);
/// Errc::invalid_argument names the line of what is not YAML, and every key that no setting has.
Result<Values> read_yaml(const std::string& path);
/// The same for a file's text; `path` is for its errors alone.
Result<Values> parse_yaml(const std::string& text, const std::string& path);

/// Understands what was given; texts for people in its errors.
Result<Config> understand(const Values& values);

/// One setting, read as its kind; the default's text when it was not given.
std::string text_of(const Values& values, Key key);
std::vector<std::string> words_of(const Values& values, Key key);
Result<std::uint64_t> number_of(const Values& values, Key key);
Result<std::uint64_t> bytes_of(const Values& values, Key key);
Result<bool> boolean_of(const Values& values, Key key);

/// How an error names a setting: by where its value came from.
std::string name_of(const Values& values, Key key);
/// An Errc::invalid_argument about one setting.
Error bad_value(const Values& values, Key key, const std::string& why);

}  // namespace firn::config
