#include <fmt/format.h>
#include <malloc.h>
#include <signal.h>
#include <sys/resource.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <thread>
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

/// The first signal that ends the server, waited for by a thread: a start may have to be ended, too.
class EndingSignal {
 public:
  explicit EndingSignal(const sigset_t& ending)
      : waiter_([this, ending] {
          int received = 0;
          sigwait(&ending, &received);
          received_ = received;
          received_.notify_all();
        }) {}
  ~EndingSignal() {
    if (received_ == 0) pthread_kill(waiter_.native_handle(), SIGTERM);
    waiter_.join();
  }
  EndingSignal(const EndingSignal&) = delete;
  EndingSignal& operator=(const EndingSignal&) = delete;

  bool came() const { return received_ != 0; }
  int wait() const {
    received_.wait(0);
    return received_;
  }

 private:
  std::atomic<int> received_{0};
  std::thread waiter_;
};

int serve(firn::config::Config config) {
  firn::log::set_level(config.log_level);
  raise_descriptor_limit();
  const EndingSignal ending(block_ending_signals());
  auto server = firn::server::Server::start(std::move(config), [&ending] { return ending.came(); });
  if (!server) {
    const auto& failure = server.error();
    if (failure.code == firn::Errc::cancelled && ending.came()) return EXIT_SUCCESS;
    fmt::print(stderr, "firnd: {}\n", failure.message.empty() ? failure.detail : failure.message);
    return kStartFailed;
  }
  firn::log::info("stopping after signal {}", ending.wait());
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
