"""The rows and what the generator is asked for them."""

import unittest

from lib import workloads
from lib.workloads import ROWS

BY_NAME = {row.name: row for row in ROWS}


def options(name, run=0, **more):
    return workloads.options_of(BY_NAME[name], run, **more)


class Rows(unittest.TestCase):
    def test_have_names_of_their_own(self):
        self.assertEqual(len(BY_NAME), len(ROWS))

    def test_of_a_family_stand_together(self):
        seen = [row.family for row in ROWS]
        self.assertEqual(list(dict.fromkeys(seen)), [f for i, f in enumerate(seen) if i == 0 or seen[i - 1] != f])

    def test_that_write_leave_the_datasets_alone(self):
        read = {row.dataset.prefix for row in ROWS if not row.writes}
        for row in ROWS:
            if row.writes:
                self.assertFalse(any(workloads.options_of(row, 0)["prefix"].startswith(p) for p in read), row.name)


class Options(unittest.TestCase):
    def test_bodies_change_with_every_run(self):
        seeds = {options("put-1m", run)["seed"] for run in range(5)}
        self.assertEqual(len(seeds), 5)
        self.assertNotIn(workloads.DATASET_SEED, seeds)

    def test_small_objects_get_new_keys_with_every_run(self):
        count = options("put-4k")["count"]
        self.assertEqual([options("put-4k", run)["base"] for run in range(3)], [0, count, 2 * count])

    def test_reads_are_verified_and_pick_other_keys_with_every_run(self):
        for name in ("get-4k", "range-1m"):
            self.assertTrue(options(name)["verify"])
            self.assertNotEqual(options(name, 0)["pick-seed"], options(name, 1)["pick-seed"])

    def test_batches_of_all_runs_stay_within_the_dataset_and_apart(self):
        for runs in (1, 3, 5, 10):
            ends = 0
            for run in range(runs):
                asked = options("delete-batch", run, runs=runs)
                self.assertEqual(asked["base"], ends)
                self.assertEqual(asked["objects"], asked["count"] * workloads.BATCH_KEYS)
                ends = asked["base"] + asked["objects"]
            self.assertLessEqual(ends, workloads.MANY.objects)

    def test_a_scale_leaves_at_least_one_operation(self):
        for row in ROWS:
            self.assertGreaterEqual(workloads.options_of(row, 0, scale=0.0001)["count"], 1)

    def test_a_quick_server_runs_more_where_one_operation_is_too_short(self):
        self.assertGreater(options("copy-64m", quick=True)["count"], options("copy-64m")["count"])
        self.assertEqual(options("put-1m", quick=True)["count"], options("put-1m")["count"])


class BesideTheMeasured(unittest.TestCase):
    def test_a_warm_up_does_not_write_where_the_runs_do(self):
        for row in ROWS:
            asked = workloads.options_of(row, 0)
            warm = workloads.warm_up(row, asked)
            if row.writes:
                self.assertNotEqual(warm["prefix"], asked["prefix"])
            if row.op == "copy":
                self.assertNotEqual(warm["copy-prefix"], asked["copy-prefix"])

    def test_deletes_are_not_warmed_up(self):
        self.assertIsNone(workloads.warm_up(BY_NAME["delete-batch"], options("delete-batch")))

    def test_what_was_written_is_read_back_with_its_own_seed(self):
        asked = options("put-4k", 4)
        reads = workloads.read_back(BY_NAME["put-4k"], asked)
        self.assertEqual((reads["seed"], reads["base"], reads["prefix"]), (asked["seed"], asked["base"], asked["prefix"]))
        self.assertEqual(reads["count"], workloads.READ_BACK_MAX)

    def test_copies_are_compared_with_the_bodies_of_their_sources(self):
        asked = options("copy-64m", quick=True)
        reads = workloads.read_back(BY_NAME["copy-64m"], asked)
        self.assertEqual((reads["prefix"], reads["body-prefix"]), (asked["copy-prefix"], asked["prefix"]))
        self.assertEqual(reads["count"], asked["objects"])

    def test_reads_leave_nothing_to_read_back(self):
        self.assertIsNone(workloads.read_back(BY_NAME["get-4k"], options("get-4k")))

    def test_cold_reads_ask_for_no_object_twice(self):
        cold = workloads.cold_options(options("get-4k", quick=True))
        self.assertEqual(cold["order"], "each")
        self.assertLessEqual(cold["count"], cold["objects"])

    def test_listings_know_how_many_keys_they_must_find(self):
        asked = options("list-flat")
        self.assertEqual(workloads.expected_keys(BY_NAME["list-flat"], asked), asked["count"] * workloads.MANY.objects)
        asked = options("list-delimiter")
        self.assertEqual(workloads.expected_keys(BY_NAME["list-delimiter"], asked), asked["count"] * workloads.PREFIXES)
        self.assertIsNone(workloads.expected_keys(BY_NAME["get-4k"], options("get-4k")))


if __name__ == "__main__":
    unittest.main()
