#pragma once

#include <deque>
#include <map>
#include <string>
#include <vector>

#include "firn/base/result.h"
#include "firn/metadata/model.h"
#include "log_group.h"

namespace firn::simulation {

/// What a client asked for, and what it was told. `began` and `ended` are the numbers of entries that were committed
/// then: every order that the clients could have seen is one of these numbers' order.
struct Operation {
  enum class Kind { put, remove, get };
  enum class End { acknowledged, refused, unknown };
  Kind kind = Kind::get;
  std::string key;
  std::string token;  ///< Of what is put: its content type, which no other operation's is. Of what was read.
  metadata::Conditions conditions;
  std::uint64_t began = 0;
  std::uint64_t ended = 0;
  End end = End::unknown;
  Errc refusal = Errc::internal;
  std::uint64_t committed = 0;  ///< Of an acknowledged put: which entry.
  bool existed = false;         ///< Of an acknowledged removal.
};

/// Checks clients' operations against the order in which changes were made: linearizability with a witness.
class History {
 public:
  /// The key's object is another since this entry; nothing: it is gone.
  void changed(const std::string& key, std::uint64_t index, std::string etag, std::string token);
  /// As of the newest entry.
  const std::string& current(const std::string& key) { return at(key, UINT64_MAX).etag; }
  Operation& begin(Operation operation);

  /// The first contradictions found, in words.
  std::vector<std::string> contradictions() const;
  std::size_t acknowledged() const;
  const std::deque<Operation>& operations() const { return operations_; }

 private:
  struct Change {
    std::uint64_t index = 0;
    std::string etag;  ///< Empty: there is no object.
    std::string token;
  };
  using Changes = std::vector<Change>;
  /// What the key held after entry `index`.
  const Change& at(const std::string& key, std::uint64_t index) const;
  /// Some state of the key between the entries, both ends included, fulfils the condition.
  template <class Condition>
  bool sometime(const Operation& operation, Condition condition) const;
  std::string judge(const Operation& operation) const;
  std::string judge_put(const Operation& operation) const;
  std::string judge_removal(const Operation& operation) const;
  std::string explain(const std::string& key, const Change& change) const;

  std::deque<Operation> operations_;
  std::map<std::string, Changes> changes_;
  const Change none_;
};

}  // namespace firn::simulation
