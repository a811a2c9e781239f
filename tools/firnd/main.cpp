#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <variant>

#include "firn/base/log.h"
#include "firn/config/config.h"
#include "server.h"

namespace {

/// Exit codes: 1 when the start failed, 2 when what it was told makes no sense (as shells do).
constexpr int kStartFailed = 1;
constexpr int kUsage = 2;

/// glibc gives every thread an arena and keeps what each once needed; few threads here allocate much at once.
constexpr int kMallocArenas = 2;

/// Every connection and segment file is a descriptor; the soft limit of most systems is 1024.
void raise_descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) firn::log::warn("open files stay limited to {}", limit.rlim_cur);
}

/// Signals that end the server, blocked in every thread that is started after this.
sigset_t block_ending_signals() {
  sigset_t ending;
  sigemptyset(&ending);
  sigaddset(&ending, SIGTERM);
  sigaddset(&ending, SIGINT);
  pthread_sigmask(SIG_BLOCK, &ending, nullptr);
  signal(SIGPIPE, SIG_IGN);  // A client that hung up is an error code, not the end.
  return ending;
}

int serve(firn::config::Config config) {
  firn::log::set_level(config.log_level);
  raise_descriptor_limit();
  const sigset_t ending = block_ending_signals();
  auto server = firn::server::Server::start(std::move(config));
  if (!server) {
    const auto& failure = server.error();
    fmt::print(stderr, "firnd: {}\n", failure.message.empty() ? failure.detail : failure.message);
    return kStartFailed;
  }
  int received = 0;
  sigwait(&ending, &received);
  firn::log::info("stopping after signal {}", received);
  (*server)->stop();
  return EXIT_SUCCESS;
}

}  // namespace

int main(int argc, char** argv) {
  mallopt(M_ARENA_MAX, kMallocArenas);
  auto loaded = firn::config::load(argc, argv, [](const char* name) -> const char* { return std::getenv(name); });
  if (!loaded) {
    fmt::print(stderr, "firnd: {}\n", loaded.error().message);
    return kUsage;
  }
  if (const auto* printed = std::get_if<firn::config::Printed>(&*loaded)) {
    fmt::print("{}", printed->text);
    return EXIT_SUCCESS;
  }
  return serve(std::get<firn::config::Config>(*std::move(loaded)));
}
