#include "balance.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "firn/base/assert.h"
#include "placement.h"

namespace firn::server {
namespace {

/// Shares are fractions: what differs by less is the same.
constexpr double kTiny = 1e-6;
constexpr std::size_t kNone = SIZE_MAX;

std::size_t divided_up(std::size_t count, std::size_t by) { return (count + by - 1) / by; }

struct Portion {
  double weight = 0;
  double most = 0;
  double share = 0;
  bool full = false;
};

/// Shares `total` out by weight, nobody getting more than its most.
void share_out(std::vector<Portion>& portions, double total) {
  for (bool again = true; again;) {
    again = false;
    double weight = 0, left = total;
    for (const Portion& portion : portions) portion.full ? left -= portion.most : weight += portion.weight;
    for (Portion& portion : portions) {
      if (portion.full || portion.weight <= 0) continue;
      portion.share = left * portion.weight / weight;
      if (portion.share <= portion.most + kTiny) continue;
      portion.share = portion.most;
      portion.full = again = true;
    }
  }
}

/// Drives by domain, and how many shards of one set each may have.
struct Layout {
  struct Domain {
    std::size_t takers = 0;
    double weight = 0;
    std::size_t per_drive = 0;
  };
  std::vector<std::size_t> domain_of;  // By drive.
  std::vector<Domain> domains;
  std::size_t per_domain = 0;

  Layout(const std::vector<BalanceDrive>& drives, std::size_t shards) {
    std::map<std::string, std::size_t> numbers;
    std::size_t taking = 0;
    for (const auto& drive : drives) {
      const auto [entry, added] = numbers.emplace(drive.domain, domains.size());
      if (added) domains.emplace_back();
      domain_of.push_back(entry->second);
      if (drive.leaving) continue;
      Domain& domain = domains[entry->second];
      if (domain.takers++ == 0) ++taking;
      domain.weight += drive.weight;
    }
    if (taking == 0) return;
    per_domain = divided_up(shards, taking);
    for (Domain& domain : domains) {
      if (domain.takers > 0) domain.per_drive = divided_up(per_domain, domain.takers);
    }
  }
};

class Balancer {
 public:
  Balancer(const std::vector<BalanceDrive>& drives, const std::vector<BalanceSet>& sets, std::uint64_t seed)
      : drives_(drives), seed_(seed), layout_(drives, sets.front().members.size()) {
    std::map<DriveIndex, std::size_t> numbers;
    for (std::size_t i = 0; i < drives.size(); ++i) numbers.emplace(drives[i].index, i);
    places_.resize(drives.size());
    sets_of_.resize(drives.size());
    for (const auto& set : sets) {
      std::vector<std::size_t>& members = members_.emplace_back();
      for (const auto member : set.members) {
        const auto found = numbers.find(member);
        members.push_back(found == numbers.end() ? kNone : found->second);
        if (members.back() != kNone) ++places_[members.back()];
      }
      for (const auto member : members) {
        if (member != kNone) sets_of_[member].push_back(members_.size() - 1);
      }
      ids_.push_back(set.id);
      busy_.push_back(set.busy);
    }
    shares_ = fair_shares(drives, sets.size(), sets.front().members.size());
  }

  std::vector<PlannedMove> plan(std::size_t most) {
    if (layout_.per_domain == 0) return {};
    while (moves_.size() < most && (move_off_leaving() || spread_out() || level())) {
    }
    if (moves_.size() > most) moves_.resize(most);
    return std::move(moves_);
  }

 private:
  struct Step {
    std::size_t set = kNone;
    std::size_t shard = 0;
    std::size_t to = 0;
  };

  double surplus(std::size_t drive) const { return static_cast<double>(places_[drive]) - shares_[drive]; }

  std::uint64_t chance(std::size_t set, std::size_t drive) const {
    return mixed(seed_ ^ mixed(std::uint64_t{ids_[set].value} * 0x10001 + drives_[drive].index.value));
  }

  std::size_t on_domain(std::size_t set, std::size_t domain) const {
    return static_cast<std::size_t>(std::ranges::count_if(
        members_[set], [&](std::size_t member) { return member != kNone && layout_.domain_of[member] == domain; }));
  }
  std::size_t on_drive(std::size_t set, std::size_t drive) const {
    return static_cast<std::size_t>(std::ranges::count(members_[set], drive));
  }

  bool allowed(const Step& step) const {
    if (drives_[step.to].leaving) return false;
    const std::size_t from = members_[step.set][step.shard];
    if (from == step.to) return false;
    const std::size_t domain = layout_.domain_of[step.to];
    const std::size_t stays = from != kNone && layout_.domain_of[from] == domain ? 1 : 0;
    return on_domain(step.set, domain) + 1 - stays <= layout_.per_domain &&
           on_drive(step.set, step.to) + 1 <= layout_.domains[domain].per_drive;
  }

  /// The drive with the least for what it should have.
  std::optional<Step> best_target(std::size_t set, std::size_t shard) const {
    std::optional<Step> best;
    const auto order = [&](const Step& step) { return std::pair(surplus(step.to), chance(step.set, step.to)); };
    for (std::size_t to = 0; to < drives_.size(); ++to) {
      const Step step{set, shard, to};
      if (allowed(step) && (!best || order(step) < order(*best))) best = step;
    }
    return best;
  }

  void take(const Step& step) {
    std::size_t& member = members_[step.set][step.shard];
    if (member != kNone) {
      --places_[member];
      auto& sets = sets_of_[member];
      sets.erase(std::ranges::find(sets, step.set));
    }
    member = step.to;
    ++places_[step.to];
    sets_of_[step.to].push_back(step.set);
    moves_.push_back({ids_[step.set], static_cast<std::uint8_t>(step.shard), drives_[step.to].index});
  }

  bool move_off_leaving() {
    for (std::size_t set = 0; set < members_.size(); ++set) {
      if (busy_[set]) continue;
      for (std::size_t shard = 0; shard < members_[set].size(); ++shard) {
        const std::size_t member = members_[set][shard];
        if (member == kNone || !drives_[member].leaving) continue;
        const auto step = best_target(set, shard);
        if (step) return take(*step), true;
      }
    }
    return false;
  }

  bool too_many(std::size_t set, std::size_t drive) const {
    const std::size_t domain = layout_.domain_of[drive];
    return on_domain(set, domain) > layout_.per_domain || on_drive(set, drive) > layout_.domains[domain].per_drive;
  }

  /// Of a set with too many shards in one place, one goes from the fullest of these drives.
  bool spread_out() {
    for (std::size_t set = 0; set < members_.size(); ++set) {
      if (busy_[set]) continue;
      std::optional<std::size_t> fullest;
      for (std::size_t shard = 0; shard < members_[set].size(); ++shard) {
        const std::size_t member = members_[set][shard];
        if (member == kNone || !too_many(set, member)) continue;
        if (!fullest || surplus(member) > surplus(members_[set][*fullest])) fullest = shard;
      }
      if (!fullest) continue;
      const auto step = best_target(set, *fullest);
      if (step) return take(*step), true;
    }
    return false;
  }

  /// A set with a shard on `from` that may go to `to`; among several by chance, so that drives share sets with many.
  std::optional<Step> find_step(std::size_t from, std::size_t to) const {
    std::optional<Step> best;
    for (const std::size_t set : sets_of_[from]) {
      if (busy_[set]) continue;
      const auto shard = static_cast<std::size_t>(std::ranges::find(members_[set], from) - members_[set].begin());
      const Step step{set, shard, to};
      if (allowed(step) && (!best || chance(set, to) < chance(best->set, to))) best = step;
    }
    return best;
  }

  /// The shortest chain of drives from `source` to one that has more than one shard less of what it should have.
  std::vector<std::size_t> find_chain(std::size_t source) const {
    std::vector<std::size_t> before(drives_.size(), kNone);
    std::vector<std::size_t> edge{source};
    before[source] = source;
    while (!edge.empty()) {
      std::vector<std::size_t> next;
      std::optional<std::size_t> best;
      for (std::size_t to = 0; to < drives_.size(); ++to) {
        if (before[to] != kNone || drives_[to].leaving) continue;
        const auto from = std::ranges::find_if(edge, [&](std::size_t each) { return find_step(each, to).has_value(); });
        if (from == edge.end()) continue;
        before[to] = *from;
        next.push_back(to);
        if (surplus(source) - surplus(to) > 1 + kTiny && (!best || surplus(to) < surplus(*best))) best = to;
      }
      if (best) {
        std::vector<std::size_t> chain{*best};
        while (chain.back() != source) chain.push_back(before[chain.back()]);
        return chain;
      }
      edge = std::move(next);
    }
    return {};
  }

  bool level() {
    std::vector<std::size_t> fullest;
    for (std::size_t drive = 0; drive < drives_.size(); ++drive) {
      if (!drives_[drive].leaving) fullest.push_back(drive);
    }
    std::ranges::stable_sort(fullest, std::greater<>(), [this](std::size_t drive) { return surplus(drive); });
    for (const std::size_t source : fullest) {
      if (surplus(source) - surplus(fullest.back()) <= 1 + kTiny) return false;
      if (follow(find_chain(source))) return true;
    }
    return false;
  }

  /// From its end on: so each drive on the way has room before it gets one.
  bool follow(const std::vector<std::size_t>& chain) {
    if (chain.size() < 2) return false;
    std::vector<Step> taken;
    for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
      const auto step = find_step(chain[i + 1], chain[i]);
      if (!step) return undo(taken), false;
      taken.push_back({step->set, step->shard, chain[i + 1]});
      take(*step);
    }
    return true;
  }

  void undo(const std::vector<Step>& taken) {
    for (auto step = taken.rbegin(); step != taken.rend(); ++step) {
      take(*step);
      moves_.pop_back();
      moves_.pop_back();
    }
  }

  const std::vector<BalanceDrive>& drives_;
  const std::uint64_t seed_;
  const Layout layout_;
  std::vector<std::vector<std::size_t>> members_;  // By set: drives by shard; kNone for one that is not among them.
  std::vector<SetId> ids_;
  std::vector<bool> busy_;
  std::vector<std::size_t> places_;                // By drive.
  std::vector<std::vector<std::size_t>> sets_of_;  // By drive: once for each shard.
  std::vector<double> shares_;
  std::vector<PlannedMove> moves_;
};

}  // namespace

std::vector<double> fair_shares(const std::vector<BalanceDrive>& drives, std::size_t sets, std::size_t shards) {
  const Layout layout(drives, shards);
  std::vector<double> shares(drives.size());
  if (layout.per_domain == 0) return shares;
  const auto count = static_cast<double>(sets);
  std::vector<Portion> domains;
  for (const auto& domain : layout.domains) {
    domains.push_back({.weight = domain.weight, .most = count * static_cast<double>(layout.per_domain)});
  }
  share_out(domains, count * static_cast<double>(shards));
  for (std::size_t domain = 0; domain < domains.size(); ++domain) {
    std::vector<Portion> own(drives.size());
    const double most = count * static_cast<double>(layout.domains[domain].per_drive);
    for (std::size_t i = 0; i < drives.size(); ++i) {
      if (layout.domain_of[i] == domain && !drives[i].leaving) own[i] = {.weight = drives[i].weight, .most = most};
    }
    share_out(own, domains[domain].share);
    for (std::size_t i = 0; i < drives.size(); ++i) shares[i] += own[i].share;
  }
  return shares;
}

std::vector<PlannedMove> plan_moves(const std::vector<BalanceDrive>& drives, const std::vector<BalanceSet>& sets,
                                    std::uint64_t seed, std::size_t most) {
  if (drives.empty() || sets.empty()) return {};
  return Balancer(drives, sets, seed).plan(most);
}

}  // namespace firn::server
