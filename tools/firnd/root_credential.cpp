#include "root_credential.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "firn/server/access.h"
#include "random_bytes.h"

namespace firn::server {
namespace {

using Credential = config::Config::Credential;

/// As AWS's: twenty upper-case characters and forty mixed ones. Letters and digits alone survive every shell and URL;
/// forty of 62 are 238 bits.
constexpr std::string_view kUserAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
constexpr std::string_view kPasswordAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
constexpr std::size_t kUserChars = 20;
constexpr std::size_t kPasswordChars = 40;

constexpr std::string_view kVersionLine = "firn root 1\n";

Error file_error(const std::filesystem::path& path) {
  return error(Errc::io_error, path.string() + ": " + std::strerror(errno));
}

Result<> write_all(int file, std::string_view text) {
  while (!text.empty()) {
    const auto written = write(file, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return Errc::io_error;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return fsync(file) == 0 ? Result<>{} : Result<>(Errc::io_error);
}

}  // namespace

std::string encode_root(const Credential& pair) {
  return std::string(kVersionLine) + pair.user + "\n" + pair.password + "\n";
}

Result<Credential> decode_root(std::string_view value) {
  if (!value.starts_with(kVersionLine)) return error(Errc::unsupported_version, "stored root credential");
  value.remove_prefix(kVersionLine.size());
  const auto first = value.find('\n');
  const auto second = first == std::string_view::npos ? first : value.find('\n', first + 1);
  if (second == std::string_view::npos || second + 1 != value.size() || first == 0) {
    return error(Errc::corrupt, "stored root credential");
  }
  return Credential{std::string(value.substr(0, first)), std::string(value.substr(first + 1, second - first - 1))};
}

Task<RootPair> settle_root(metadata::Client& metadata, std::optional<Credential> given,
                           std::function<Result<>(const Credential&)> announce) {
  auto stored = co_await metadata.find_config(kRootEntry);
  if (!stored && stored.error().code != Errc::not_found) co_return std::move(stored).error();
  if (given) {
    const std::string value = encode_root(*given);
    if (!stored || *stored != value) CO_TRY(co_await metadata.put_config(std::string(kRootEntry), value));
    co_return RootPair{*std::move(given), false};
  }
  if (stored) {
    CO_TRY_LET(auto pair, decode_root(*stored));
    co_return RootPair{std::move(pair), false};
  }
  Credential pair{random_text(kUserAlphabet, kUserChars), random_text(kPasswordAlphabet, kPasswordChars)};
  CO_TRY(announce(pair));
  CO_TRY(co_await metadata.put_config(std::string(kRootEntry), encode_root(pair)));
  co_return RootPair{std::move(pair), true};
}

Result<> write_root_file(const std::filesystem::path& path, const Credential& pair) {
  // A file left by a start that was interrupted names a pair that was never stored.
  if (unlink(path.c_str()) != 0 && errno != ENOENT) return file_error(path);
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file < 0) return file_error(path);
  const auto written = write_all(file, root_file_text(pair));
  if (!written) {
    auto failure = file_error(path);
    close(file);
    return failure;
  }
  close(file);
  return {};
}

}  // namespace firn::server
