#include "crash.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdio>
#include <random>

#include "files/crash_point.h"
#include "machine.h"

namespace firn::metadata {
namespace {

constexpr int kCrashExit = 42;

void tell(int pipe, const std::string& line) {
  const std::string text = line + "\n";
  FIRN_ASSERT(::write(pipe, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

/// Bodies on both sides of what is kept in a blob file.
std::string body_of(std::mt19937_64& random) {
  return std::string(random() % 8 == 0 ? 4'000 + random() % 8'000 : 1 + random() % 40,
                     static_cast<char>('a' + random() % 26));
}

/// The other process: says "try", then "done", for each change.
[[noreturn]] void work(TestNode& node, const CrashPlan& plan, int pipe) {
  std::atomic<unsigned> hits = 0;  // Members are written to by a thread each: a point is met on several at once.
  const CrashHook hook = [&](const char* point) {
    if (plan.point == point && ++hits == plan.hit) ::_exit(kCrashExit);
  };
  crash_hook.store(&hook);
  if (const Result<> started = node.start(); !started) {
    std::fprintf(stderr, "start: %s\n", started.error().detail.c_str());
    ::_exit(1);
  }
  const auto bucket = node.run(node.client().find_bucket("b"));
  const BucketId id = bucket ? bucket->id : node.run(node.client().create_bucket("b", "")).value().id;
  std::mt19937_64 random(plan.seed);
  for (unsigned i = 0; i < plan.puts_max; ++i) {
    if (plan.before_put) plan.before_put(node, i);
    const std::string key = "k" + std::to_string(random() % 50);
    const bool remove = random() % 5 == 0;
    const std::string body = remove ? "" : body_of(random);
    tell(pipe, "try " + key + " " + body);
    if (remove) {
      std::vector<DeleteObject> keys{{.key = key, .conditions = {}}};
      if (!node.run(node.client().delete_objects(id, std::move(keys)))) ::_exit(1);
    } else if (!node.run(node.client().put_object(put_inline(id, key, body)))) {
      ::_exit(1);
    }
    tell(pipe, "done");
  }
  node.stop();
  ::_exit(0);
}

/// The first difference between what the node holds and what was acknowledged, or nothing. `outcome.open` is settled by
/// what is there.
std::string compare(TestNode& node, CrashOutcome& outcome) {
  const auto bucket = node.run(node.client().find_bucket("b"));
  if (!bucket) return outcome.acknowledged.empty() ? "" : "the bucket is gone";
  for (const auto& [key, body] : outcome.open) outcome.acknowledged.try_emplace(key);
  for (auto& [key, expected] : outcome.acknowledged) {
    const auto found = node.run(node.client().find_object(bucket->id, key, true));
    if (!found && found.error().code != Errc::no_such_key) return key + ": " + found.error().detail;
    std::string body;
    if (found) {
      for (const SharedBytes& part : found->inline_bodies) body += as_text(part.bytes);
    }
    const auto open = outcome.open.find(key);
    if (open != outcome.open.end() && body == open->second) expected = body;
    if (body != expected) {
      return key + " has " + std::to_string(body.size()) + " bytes, expected " + std::to_string(expected.size());
    }
  }
  const auto report = node.run(node.node().verify());
  if (!report) return report.error().detail;
  return report->problems == 0 ? "" : report->details.front();
}

struct Child {
  pid_t pid;
  FILE* says;
};

/// Runs `work`, which is given a pipe to speak to, in a process of its own.
///
/// RocksDB's threads do not survive a fork and are not started again: this process must not have had any, so whoever
/// starts a node does it in here.
Child in_other_process(TestNode& node, const std::function<void(int pipe)>& work) {
  int ends[2];
  FIRN_ASSERT(::pipe(ends) == 0);
  node.stop_runtime();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  FIRN_ASSERT(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    node.start_runtime();
    work(ends[1]);
    ::_exit(0);
  }
  ::close(ends[1]);
  return {child, ::fdopen(ends[0], "r")};
}

/// Calls `hear` with each line the process says, until it has ended, and returns its wait status.
int listen_to(const Child& child, const std::function<void(const std::string& line)>& hear) {
  char* line = nullptr;
  std::size_t capacity = 0;
  for (ssize_t length; (length = ::getline(&line, &capacity, child.says)) > 0;) {
    hear(std::string(line, static_cast<std::size_t>(length - 1)));
  }
  std::free(line);
  std::fclose(child.says);
  int status = 0;
  FIRN_ASSERT(::waitpid(child.pid, &status, 0) == child.pid);
  return status;
}

}  // namespace

CrashOutcome crash(TestNode& node, const CrashPlan& plan, const Acknowledged& before) {
  const Child child = in_other_process(node, [&](int pipe) { work(node, plan, pipe); });
  CrashOutcome outcome{.acknowledged = before};
  std::string key, body;
  unsigned answered = 0;
  bool open = false;
  const int status = listen_to(child, [&](const std::string& line) {
    open = line != "done";
    if (open) {
      const std::size_t space = line.find(' ', 4);
      key = line.substr(4, space - 4);
      body = line.substr(space + 1);
    } else {
      outcome.acknowledged[key] = body;
      if (++answered == plan.kill_after) ::kill(child.pid, SIGKILL);
    }
  });
  if (open) outcome.open[key] = body;
  outcome.crashed = WIFSIGNALED(status) || WEXITSTATUS(status) == kCrashExit;
  FIRN_ASSERT(outcome.crashed || WEXITSTATUS(status) == 0);
  return outcome;
}

std::string what_is_lost(TestNode& node, CrashOutcome& outcome) {
  const Child child = in_other_process(node, [&](int pipe) {
    const Result<> started = node.start();
    const std::string problem = started ? compare(node, outcome) : started.error().detail;
    for (const auto& [key, body] : outcome.open) {
      if (outcome.acknowledged[key] == body) tell(pipe, "kept " + key);
    }
    tell(pipe, "lost " + problem);
    node.stop();
  });
  std::string problem = "the process ended without a word";
  const int status = listen_to(child, [&](const std::string& line) {
    if (line.starts_with("kept ")) outcome.acknowledged[line.substr(5)] = outcome.open[line.substr(5)];
    if (line.starts_with("lost ")) problem = line.substr(5);
  });
  for (const auto& [key, body] : outcome.open) outcome.acknowledged.try_emplace(key);
  outcome.open.clear();
  return status == 0 ? problem : problem + " (ended with status " + std::to_string(status) + ")";
}

}  // namespace firn::metadata
