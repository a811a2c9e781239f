#include "values.h"

#include <charconv>
#include <utility>

namespace firn::config {
namespace {

const std::optional<Value>& given(const Values& values, Key key) { return values[static_cast<std::size_t>(key)]; }

Result<std::uint64_t> parse_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || failure != std::errc{} || end != text.data() + text.size()) return Errc::invalid_argument;
  return value;
}

struct Unit {
  std::string_view suffix;
  std::uint64_t bytes;
};
constexpr Unit kUnits[] = {
    {"KiB", 1ULL << 10},  {"MiB", 1ULL << 20},      {"GiB", 1ULL << 30},          {"TiB", 1ULL << 40}, {"KB", 1'000ULL},
    {"MB", 1'000'000ULL}, {"GB", 1'000'000'000ULL}, {"TB", 1'000'000'000'000ULL}, {"B", 1ULL},
};

}  // namespace

std::string name_of(const Values& values, Key key) {
  const Setting& row = setting(key);
  const auto& value = given(values, key);
  if (!value) return "the default of " + std::string(row.yaml);
  switch (value->source) {
    case Source::flag:
      return "--" + std::string(row.flag);
    case Source::firn:
      return std::string(row.variable);
    case Source::minio:
      return std::string(row.minio);
    case Source::file:
      return "\"" + std::string(row.yaml) + "\" in the configuration file";
  }
  return std::string(row.yaml);
}

Error bad_value(const Values& values, Key key, const std::string& why) {
  return client_error(Errc::invalid_argument, name_of(values, key) + ": " + why);
}

std::string text_of(const Values& values, Key key) {
  const auto& value = given(values, key);
  if (!value) return std::string(setting(key).fallback);
  std::string text;
  for (const auto& word : value->words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::vector<std::string> words_of(const Values& values, Key key) {
  const auto& value = given(values, key);
  return value ? value->words : std::vector<std::string>{};
}

Result<std::uint64_t> number_of(const Values& values, Key key) {
  const auto text = text_of(values, key);
  const auto number = parse_number(text);
  if (!number) return bad_value(values, key, "\"" + text + "\" is not a number");
  return number;
}

Result<std::uint64_t> bytes_of(const Values& values, Key key) {
  const auto text = text_of(values, key);
  std::string_view digits = text;
  std::uint64_t factor = 1;
  for (const auto& unit : kUnits) {
    if (!digits.ends_with(unit.suffix)) continue;
    digits.remove_suffix(unit.suffix.size());
    factor = unit.bytes;
    break;
  }
  while (digits.ends_with(' ')) digits.remove_suffix(1);
  const auto count = parse_number(digits);
  if (!count || (*count != 0 && *count > UINT64_MAX / factor)) {
    return bad_value(values, key, "\"" + text + "\" is not a size; write 1048576, 512MiB or 4GiB");
  }
  return *count * factor;
}

Result<bool> boolean_of(const Values& values, Key key) {
  const auto text = text_of(values, key);
  if (text == "true" || text == "on" || text == "1" || text == "yes") return true;
  if (text == "false" || text == "off" || text == "0" || text == "no") return false;
  return bad_value(values, key, "\"" + text + "\" is neither true nor false");
}

}  // namespace firn::config
