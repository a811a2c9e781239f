#include <yaml-cpp/yaml.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string_view>

#include "values.h"

namespace firn::config {
namespace {

/// A variable's text as words: variables and flags of MinIO separate by spaces or, for domains, by commas.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> words;
  std::size_t begin = 0;
  while (begin < text.size()) {
    const auto end = std::min(text.find_first_of(" ,\t\n", begin), text.size());
    if (end > begin) words.emplace_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return words;
}

Value value_of(const Setting& row, Source source, const std::string& text) {
  return Value{source, row.kind == Kind::words ? split(text) : std::vector<std::string>{text}};
}

const Setting* find_yaml(std::string_view name) {
  for (const auto& row : kSettings) {
    if (row.yaml == name) return &row;
  }
  return nullptr;
}

Error in_file(const std::string& path, const YAML::Mark& mark, const std::string& why) {
  return client_error(Errc::invalid_argument, path + ", line " + std::to_string(mark.line + 1) + ": " + why);
}

Result<Value> read_node(const std::string& path, const Setting& row, const YAML::Node& node) {
  if (node.IsScalar()) return value_of(row, Source::file, node.Scalar());
  if (!node.IsSequence() || row.kind != Kind::words) {
    return in_file(path, node.Mark(), "\"" + std::string(row.yaml) + "\" must be a single value");
  }
  Value value{Source::file, {}};
  for (const auto& item : node) {
    if (!item.IsScalar()) return in_file(path, item.Mark(), "expected text");
    value.words.push_back(item.Scalar());
  }
  return value;
}

Result<Values> read_map(const std::string& path, const YAML::Node& root) {
  Values values;
  if (root.IsNull()) return values;  // An empty file says nothing.
  if (!root.IsMap()) return in_file(path, root.Mark(), "expected \"name: value\" lines");
  for (const auto& entry : root) {
    const auto name = entry.first.Scalar();
    const Setting* row = find_yaml(name);
    if (row == nullptr) return in_file(path, entry.first.Mark(), "there is no setting \"" + name + "\"");
    auto value = read_node(path, *row, entry.second);
    if (!value) return std::move(value).error();
    values[static_cast<std::size_t>(row->key)] = *std::move(value);
  }
  return values;
}

}  // namespace

Values read_environment(const Environment& environment) {
  Values values;
  for (const auto& row : kSettings) {
    auto& value = values[static_cast<std::size_t>(row.key)];
    // An empty variable is one that a service file leaves blank: not given.
    const auto take = [&](std::string_view name, Source source) {
      const char* text = name.empty() ? nullptr : environment(std::string(name).c_str());
      if (text != nullptr && *text != '\0') value = value_of(row, source, text);
    };
    take(row.minio, Source::minio);
    take(row.variable, Source::firn);
  }
  return values;
}

// yaml-cpp reports by exceptions; they end here.
Result<Values> parse_yaml(const std::string& text, const std::string& path) {
  try {
    return read_map(path, YAML::Load(text));
  } catch (const YAML::Exception& failure) {
    return in_file(path, failure.mark, failure.msg);
  }
}

Result<Values> read_yaml(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf())) return client_error(Errc::invalid_argument, "cannot read " + path);
  return parse_yaml(text.str(), path);
}

}  // namespace firn::config
