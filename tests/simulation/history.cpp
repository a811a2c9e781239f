#include "history.h"

#include <algorithm>

namespace firn::simulation {
namespace {

constexpr std::size_t kToldMax = 5;

bool holds(const metadata::Conditions& conditions, const std::string& etag) {
  const auto matches = [&](const std::string& wanted) { return !etag.empty() && (wanted == "*" || wanted == etag); };
  return (conditions.if_match.empty() || matches(conditions.if_match)) &&
         (conditions.if_none_match.empty() || !matches(conditions.if_none_match));
}

std::string named(const Operation& operation) {
  const char* const kind = operation.kind == Operation::Kind::put      ? "put"
                           : operation.kind == Operation::Kind::remove ? "removal"
                                                                       : "read";
  return std::string(kind) + " of " + operation.key + " (" + operation.token + ") between entries " +
         std::to_string(operation.began) + " and " + std::to_string(operation.ended);
}

}  // namespace

void History::changed(const std::string& key, std::uint64_t index, std::string etag, std::string token) {
  changes_[key].push_back({index, std::move(etag), std::move(token)});
}

Operation& History::begin(Operation operation) { return operations_.emplace_back(std::move(operation)); }

const History::Change& History::at(const std::string& key, std::uint64_t index) const {
  const auto found = changes_.find(key);
  if (found == changes_.end()) return none_;
  const auto after = std::ranges::upper_bound(found->second, index, {}, &Change::index);
  return after == found->second.begin() ? none_ : *std::prev(after);
}

template <class Condition>
bool History::sometime(const Operation& operation, Condition condition) const {
  if (condition(at(operation.key, operation.began))) return true;
  const auto found = changes_.find(operation.key);
  if (found == changes_.end()) return false;
  return std::ranges::any_of(found->second, [&](const Change& change) {
    return change.index > operation.began && change.index <= operation.ended && condition(change);
  });
}

std::string History::judge_put(const Operation& operation) const {
  const auto found = changes_.find(operation.key);
  const Changes none;
  const Changes& changes = found == changes_.end() ? none : found->second;
  const auto made = [&](const Change& change) {
    return change.token == operation.token && change.index > operation.began;
  };
  const auto count = std::ranges::count_if(changes, made);
  if (operation.end == Operation::End::refused) {
    if (count != 0) return "was refused and came to be";
    const bool conditional = operation.refusal == Errc::precondition_failed || operation.refusal == Errc::no_such_key;
    const bool could_fail =
        sometime(operation, [&](const auto& was) { return !holds(operation.conditions, was.etag); });
    return conditional && !could_fail ? "was refused though its condition held all the time" : "";
  }
  if (count > 1) return "came to be twice";
  if (operation.end == Operation::End::unknown) return "";
  const auto change = std::ranges::find_if(changes, made);
  if (change == changes.end() || change->index != operation.committed) return "was acknowledged and never came to be";
  if (change->index > operation.ended) return "came to be after it was acknowledged";
  return holds(operation.conditions, at(operation.key, change->index - 1).etag) ? ""
                                                                                : "came to be against its condition";
}

std::string History::judge_removal(const Operation& operation) const {
  if (operation.end != Operation::End::acknowledged) return "";
  const bool gone = sometime(operation, [](const auto& was) { return was.etag.empty(); });
  return gone ? "" : "was acknowledged and the object was there all the time";
}

std::string History::judge(const Operation& operation) const {
  switch (operation.kind) {
    case Operation::Kind::put:
      return judge_put(operation);
    case Operation::Kind::remove:
      return judge_removal(operation);
    case Operation::Kind::get:
      break;
  }
  if (operation.end != Operation::End::acknowledged) return "";
  const bool seen = sometime(operation, [&](const auto& was) { return was.token == operation.token; });
  return seen ? "" : "gave what was not there then";
}

/// Nothing may come to be that nobody asked for.
std::string History::explain(const std::string& key, const Change& change) const {
  const bool asked = std::ranges::any_of(operations_, [&](const Operation& operation) {
    if (operation.key != key || operation.began >= change.index) return false;
    if (operation.kind == Operation::Kind::put) return operation.token == change.token;
    // One whose end is not known may come at any time.
    const bool in_time = operation.end == Operation::End::unknown ||
                         (operation.end == Operation::End::acknowledged && change.index <= operation.ended);
    return operation.kind == Operation::Kind::remove && change.etag.empty() && in_time;
  });
  return asked ? "" : key + " became (" + change.token + ") by entry " + std::to_string(change.index) + ", unasked";
}

std::vector<std::string> History::contradictions() const {
  std::vector<std::string> found;
  for (const Operation& operation : operations_) {
    std::string why = judge(operation);
    if (!why.empty() && found.size() < kToldMax) found.push_back(named(operation) + " " + why);
  }
  for (const auto& [key, changes] : changes_) {
    for (const Change& change : changes) {
      std::string why = explain(key, change);
      if (!why.empty() && found.size() < kToldMax) found.push_back(std::move(why));
    }
  }
  return found;
}

std::size_t History::acknowledged() const {
  return static_cast<std::size_t>(std::ranges::count(operations_, Operation::End::acknowledged, &Operation::end));
}

}  // namespace firn::simulation
