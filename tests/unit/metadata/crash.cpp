#include "crash.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

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
  unsigned hits = 0;
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

}  // namespace

CrashOutcome crash(TestNode& node, const CrashPlan& plan, const Acknowledged& before) {
  int ends[2];
  FIRN_ASSERT(::pipe(ends) == 0);
  node.stop_runtime();
  std::fflush(nullptr);
  const pid_t child = ::fork();
  FIRN_ASSERT(child >= 0);
  if (child == 0) {
    ::close(ends[0]);
    node.start_runtime();
    work(node, plan, ends[1]);
  }
  ::close(ends[1]);
  CrashOutcome outcome{.acknowledged = before};
  FILE* const lines = ::fdopen(ends[0], "r");
  char* line = nullptr;
  std::size_t capacity = 0;
  std::string key, body;
  unsigned answered = 0;
  bool open = false;
  for (ssize_t length; (length = ::getline(&line, &capacity, lines)) > 0;) {
    const std::string text(line, static_cast<std::size_t>(length - 1));
    if (text == "done") {
      outcome.acknowledged[key] = body;
      open = false;
      if (++answered == plan.kill_after) ::kill(child, SIGKILL);
    } else {
      const std::size_t space = text.find(' ', 4);
      key = text.substr(4, space - 4);
      body = text.substr(space + 1);
      open = true;
    }
  }
  if (open) outcome.open[key] = body;
  std::free(line);
  std::fclose(lines);
  int status = 0;
  FIRN_ASSERT(::waitpid(child, &status, 0) == child);
  outcome.crashed = WIFSIGNALED(status) || WEXITSTATUS(status) == kCrashExit;
  FIRN_ASSERT(WIFSIGNALED(status) || WEXITSTATUS(status) == kCrashExit || WEXITSTATUS(status) == 0);
  node.start_runtime();
  return outcome;
}

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
  outcome.open.clear();
  const auto report = node.run(node.node().verify());
  if (!report) return report.error().detail;
  return report->problems == 0 ? "" : report->details.front();
}

}  // namespace firn::metadata
