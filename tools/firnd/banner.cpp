#include "banner.h"

#include <fmt/format.h>

#include "firn/server/access.h"

namespace firn::server {

std::string root_announcement(const config::Config::Credential& pair) {
  return fmt::format(
      "\n  The root credential, shown this once:\n\n    AWS_ACCESS_KEY_ID={}\n    AWS_SECRET_ACCESS_KEY={}\n\n",
      pair.user, pair.password);
}

std::string banner(const config::Config& config, const Started& started) {
  const std::string url = endpoint(config, started.port);
  std::string text = fmt::format("Firn {}{}\n", FIRN_VERSION, started.first_start ? ", first start" : "");
  text += fmt::format("  S3        {}   region {}\n", url, config.region);
  text += fmt::format("  drives    {} of {} in, erasure coding {}, beside {}\n", started.drives_in, started.drives,
                      config::to_string(started.shape), config.drives.front().string());
  text += fmt::format("  user      {}\n", started.access_key);
  if (!started.root_file.empty()) text += fmt::format("  secret    in {}\n", started.root_file);
  const std::string credentials =
      started.root_file.empty() ? fmt::format("AWS_ACCESS_KEY_ID={} AWS_SECRET_ACCESS_KEY=...", started.access_key)
                                : fmt::format("env $(cat {})", started.root_file);
  text += fmt::format("\n  {} aws --endpoint-url {} --region {} s3 ls\n\n", credentials, url, config.region);
  return text;
}

}  // namespace firn::server
