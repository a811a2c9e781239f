// Power loss and kills at every point of a drive's life. Rows D4 and D7 of the fault plan.

#include <gtest/gtest.h>

#include <cstdio>
#include <map>
#include <set>

#include "drive_rig.h"

namespace firn::volume {
namespace {

/// What the client of one drive may expect.
class Ledger {
 public:
  void appended(std::uint64_t counter, std::uint32_t stored_bytes) { unsynced_[counter] = stored_bytes; }
  void synced() {
    kept_.insert(unsynced_.begin(), unsynced_.end());
    unsynced_.clear();
  }
  void removed(std::uint64_t counter) {
    kept_.erase(counter);
    unsynced_.erase(counter);
    removing_.insert(counter);
  }
  void removals_synced() {
    gone_.insert(removing_.begin(), removing_.end());
    removing_.clear();
  }
  void restarted() { unsynced_.clear(), removing_.clear(); }

  const std::map<std::uint64_t, std::uint32_t>& kept() const { return kept_; }
  const std::set<std::uint64_t>& gone() const { return gone_; }

 private:
  std::map<std::uint64_t, std::uint32_t> unsynced_;
  std::map<std::uint64_t, std::uint32_t> kept_;
  std::set<std::uint64_t> removing_;
  std::set<std::uint64_t> gone_;
};

/// Appends, syncs and removes at random until the drive fails. False when nothing failed.
bool work_until_failure(DriveRig& rig, Ledger& ledger, std::mt19937_64& random, std::uint64_t& next, int steps) {
  for (int step = 0; step < steps; ++step) {
    const std::uint64_t dice = random() % 100;
    if (dice < 70) {
      const auto stored = static_cast<std::uint32_t>(random() % 64 == 0 ? kChunkBytesMax : random() % 32 * kBlockBytes);
      if (!rig.append(key_of(next), stored)) return true;
      ledger.appended(next++, stored);
    } else if (dice < 90) {
      if (!rig.run(rig.drive().sync())) return true;
      ledger.synced();
    } else if (!ledger.kept().empty()) {
      auto victim = ledger.kept().lower_bound(random() % next);
      if (victim == ledger.kept().end()) victim = ledger.kept().begin();
      const std::uint64_t counter = victim->first;
      ledger.removed(counter);
      if (!rig.run(rig.drive().remove({key_of(counter).extent}))) return true;
      if (dice >= 97) {
        if (!rig.run(rig.drive().sync_index())) return true;
        ledger.removals_synced();
      }
    }
  }
  return false;
}

void expect_ledger(DriveRig& rig, const Ledger& ledger) {
  for (const auto& [counter, stored] : ledger.kept()) {
    const auto found = rig.check(key_of(counter), stored);
    ASSERT_TRUE(found) << "record " << counter << ": " << found.error().detail;
  }
  for (const std::uint64_t counter : ledger.gone()) {
    ASSERT_EQ(rig.run(rig.drive().read(key_of(counter), {0, 0})).code(), Errc::not_found) << "record " << counter;
  }
}

enum class Crash : std::uint8_t { power, process };

void crash_again_and_again(std::uint64_t seed, Crash what, int rounds) {
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  DriveRig rig(seed, {.disk_bytes = 256ULL << 20});
  rig.options().rewrite_bytes_per_second = 0;
  std::mt19937_64 random(seed);
  Ledger ledger;
  std::uint64_t next = 1;
  for (int round = 0; round < rounds; ++round) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " round " + std::to_string(round));
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().detail;
    ASSERT_NO_FATAL_FAILURE(expect_ledger(rig, ledger));
    if (what == Crash::power) rig.disk().cut_power_after(random() % 120);
    work_until_failure(rig, ledger, random, next, 100);
    if (what == Crash::process) {
      rig.kill();
    } else {
      rig.crash();
    }
    ledger.restarted();
    // Power may also fail while a start recovers.
    if (what == Crash::power && round % 3 == 2) {
      rig.disk().cut_power_after(random() % 12);
      (void)rig.open();
      rig.crash();
    }
  }
}

TEST(DriveCrash, LosesNothingThatWasSyncedWherePowerFails) { crash_again_and_again(test_seed(), Crash::power, 40); }

TEST(DriveCrash, LosesNothingThatWasSyncedWhenTheProcessIsKilled) {
  crash_again_and_again(test_seed() + 1, Crash::process, 20);
}

TEST(DriveCrash, SurvivesEachCutOfAShortLife) {
  // Every change to the disk of one short life is the last one once.
  const std::uint64_t seed = test_seed() + 2;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (std::uint64_t cut = 0; cut < 60; ++cut) {
    SCOPED_TRACE("seed " + std::to_string(seed) + " cut " + std::to_string(cut));
    DriveRig rig(seed);
    Ledger ledger;
    std::mt19937_64 random(seed);
    std::uint64_t next = 1;
    rig.disk().cut_power_after(cut);
    if (rig.open()) work_until_failure(rig, ledger, random, next, 60);
    rig.crash();
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().detail;
    ASSERT_NO_FATAL_FAILURE(expect_ledger(rig, ledger));
    ASSERT_TRUE(rig.append_and_sync(key_of(1'000'000), 8192));
  }
}

TEST(DriveCrash, LosesNothingWhenTheIndexIsLostToo) {
  const std::uint64_t seed = test_seed() + 3;
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  for (int life = 0; life < 10; ++life) {
    DriveRig rig(seed + static_cast<std::uint64_t>(life));
    std::mt19937_64 random(seed);
    Ledger ledger;
    std::uint64_t next = 1;
    ASSERT_TRUE(rig.open());
    rig.disk().cut_power_after(random() % 200);
    work_until_failure(rig, ledger, random, next, 200);
    rig.crash();
    rig.delete_index();
    const auto opened = rig.open();
    ASSERT_TRUE(opened) << opened.error().detail;
    for (const auto& [counter, stored] : ledger.kept()) ASSERT_TRUE(rig.check(key_of(counter), stored)) << counter;
  }
}

}  // namespace
}  // namespace firn::volume
