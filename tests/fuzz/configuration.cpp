// A file of settings: understood within every bound, or refused with a text for people.
#include <cstdint>
#include <string>

#include "firn/base/assert.h"
#include "firn/config/config.h"
#include "src/values.h"  // "values.h" alone is glibc's.

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace firn;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto values = config::parse_yaml(text, "file");
  if (!values) {
    FIRN_ASSERT(values.code() == Errc::invalid_argument && !values.error().message.empty());
    return 0;
  }
  const auto config = config::understand(*values);
  if (!config) {
    FIRN_ASSERT(config.code() == Errc::invalid_argument && !config.error().message.empty());
    return 0;
  }
  FIRN_ASSERT(!config->drives.empty() && config->connections_max > 0 && !config->region.empty());
  for (const auto& drive : config->drives) FIRN_ASSERT(drive.is_absolute());
  if (config->root) FIRN_ASSERT(config::check_root_credential(*config->root));
  return 0;
}
