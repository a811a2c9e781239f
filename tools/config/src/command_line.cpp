#include <CLI/CLI.hpp>
#include <array>
#include <deque>

#include "firn/config/config.h"
#include "values.h"

#ifndef FIRN_VERSION
#error "FIRN_VERSION is set by CMake"
#endif

namespace firn::config {
namespace {

/// Where CLI11 puts what it reads; it keeps references, so this must not move.
struct Slots {
  std::array<std::vector<std::string>, kKeys> words;
  std::array<bool, kKeys> switches{};
  std::array<CLI::Option*, kKeys> options{};
  std::string config_path;
  bool markdown = false;
};

std::string help_of(const Setting& row) {
  std::string help(row.help);
  if (!row.fallback.empty() && row.kind != Kind::boolean) help += " Default: " + std::string(row.fallback) + ".";
  help += " [" + std::string(row.variable) + "]";
  return help;
}

void declare(CLI::App& app, Slots& slots) {
  for (const auto& row : kSettings) {
    if (row.flag.empty()) continue;
    const auto at = static_cast<std::size_t>(row.key);
    const std::string flag = "--" + std::string(row.flag);
    if (row.kind == Kind::boolean) {
      slots.options[at] = app.add_flag(flag, slots.switches[at], help_of(row));
      continue;
    }
    auto* option = app.add_option(flag, slots.words[at], help_of(row))->type_name(std::string(row.placeholder));
    option->expected(1, row.kind == Kind::words ? CLI::detail::expected_max_vector_size : 1);
    slots.options[at] = option;
  }
  app.add_option("--config", slots.config_path, "Read settings that are given nowhere else from this YAML file.")
      ->type_name("FILE");
  app.add_flag("--help-markdown", slots.markdown)->group("");  // Hidden: writes docs/operations/configuration.md.
  app.set_version_flag("--version", "firnd " FIRN_VERSION);
}

std::string variables_footer() {
  std::string text = "Only by variable, or in the file:\n";
  for (const auto& row : kSettings) {
    if (row.flag.empty()) text += "  " + std::string(row.variable) + "\n      " + std::string(row.help) + "\n";
  }
  return text +
         "\nA flag prevails over its FIRN_ variable, that over MinIO's, that over the file.\n"
         "docs/operations/configuration.md has the whole table.";
}

Values taken(const Slots& slots) {
  Values values;
  for (std::size_t i = 0; i < kKeys; ++i) {
    if (slots.options[i] == nullptr || slots.options[i]->count() == 0) continue;
    auto words = kSettings[i].kind == Kind::boolean ? std::vector<std::string>{slots.switches[i] ? "true" : "false"}
                                                    : slots.words[i];
    values[i] = Value{Source::flag, std::move(words)};
  }
  return values;
}

}  // namespace

// CLI11 reports by exceptions, --help among them; they end here.
Result<CommandLine> read_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "Firn, an S3-compatible object store. Without arguments: six drive directories under ./firn-data, "
      "erasure coding 4+2, S3 on 127.0.0.1:9000.",
      "firnd");
  Slots slots;
  declare(app, slots);
  app.get_formatter()->column_width(34);
  app.footer(variables_footer());
  CommandLine line;
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    line.printed = app.help();
    return line;
  } catch (const CLI::CallForVersion& version) {
    line.printed = std::string(version.what()) + "\n";
    return line;
  } catch (const CLI::ParseError& failure) {
    return client_error(Errc::invalid_argument, std::string(failure.what()) + ". firnd --help lists every setting.");
  }
  if (slots.markdown) line.printed = settings_markdown();
  line.values = taken(slots);
  line.config_path = slots.config_path;
  return line;
}

}  // namespace firn::config
