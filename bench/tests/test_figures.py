"""Figures and ratios."""

import unittest

from lib import figures


def load(**changes):
    return {"operation": "put", "operations": 100, "errors": 0, "error": "", "retries": 0, "seconds": 2.0,
            "bytes": 1_000_000, "verified": 0, "keys": 0, "p50_ms": 1.0, "p99_ms": 2.0, "max_ms": 3.0,
            "client_cpu_seconds": 0.1, **changes}


DEVICE = {"read_bytes": 0, "written_bytes": 1_500_000, "writes": 300, "flushes": 250}


class FiguresOfARun(unittest.TestCase):
    def test_are_per_operation_byte_and_second(self):
        run = figures.of_run(load(), {"cpu_s": 0.5}, DEVICE)
        self.assertEqual(run["ops_per_s"], 50)
        self.assertEqual(run["mb_per_s"], 0.5)
        self.assertEqual(run["cpu_ms_per_op"], 5)
        self.assertEqual(run["cpu_s_per_gb"], 500)
        self.assertEqual(run["device_bytes_per_payload_byte"], 1.5)
        self.assertEqual(run["flushes_per_op"], 2.5)
        self.assertEqual(run["client_cpu_ms_per_op"], 1)
        self.assertIsNone(run["cpu_us_per_key"])

    def test_reads_have_no_bytes_written_per_payload(self):
        self.assertNotIn("device_bytes_per_payload_byte", figures.of_run(load(operation="get"), {"cpu_s": 1}, DEVICE))

    def test_unknown_drives_have_no_figures(self):
        self.assertNotIn("flushes_per_op", figures.of_run(load(), {"cpu_s": 1}, None))

    def test_a_run_without_operations_divides_nothing(self):
        run = figures.of_run(load(operations=0, bytes=0, errors=5), {"cpu_s": 1}, DEVICE)
        self.assertIsNone(run["cpu_ms_per_op"])
        self.assertIsNone(run["cpu_s_per_gb"])


class Medians(unittest.TestCase):
    def test_are_taken_figure_by_figure_and_errors_add_up(self):
        runs = [{"cpu_s": 3, "errors": 1}, {"cpu_s": 1, "errors": 2}, {"cpu_s": 2, "errors": 0, "drained": False}]
        self.assertEqual(figures.medians(runs), {"cpu_s": 2, "errors": 3, "drained": False})

    def test_leave_out_what_a_run_lacks(self):
        self.assertEqual(figures.medians([{"a": None, "b": 1}, {"a": 4, "b": 3}])["a"], 4)

    def test_words_and_truth_values_are_no_numbers(self):
        self.assertNotIn("error", figures.medians([{"error": "x", "ok": True}]))
        self.assertNotIn("ok", figures.medians([{"error": "x", "ok": True}]))


class Ratios(unittest.TestCase):
    def test_pair_the_runs_before_the_median_is_taken(self):
        ours = [{"cpu_ms_per_op": v} for v in (1, 4, 9)]
        theirs = [{"cpu_ms_per_op": v} for v in (10, 8, 90)]
        found = figures.compare(ours, theirs)["cpu_ms_per_op"]
        self.assertEqual(found["runs"], [0.1, 0.5, 0.1])
        self.assertEqual((found["median"], found["least"], found["most"]), (0.1, 0.1, 0.5))

    def test_a_failed_run_has_none(self):
        ours = [{"cpu_ms_per_op": 1, "errors": 1}, {"cpu_ms_per_op": 1}]
        theirs = [{"cpu_ms_per_op": 2}, {"cpu_ms_per_op": 4}]
        self.assertEqual(figures.compare(ours, theirs)["cpu_ms_per_op"]["runs"], [None, 0.25])

    def test_figures_that_one_side_lacks_are_left_out(self):
        self.assertEqual(figures.compare([{"flushes_per_op": 1}], [{}]), {})
        self.assertEqual(figures.compare([{"flushes_per_op": 1}], [{"flushes_per_op": 0}]), {})


class Targets(unittest.TestCase):
    def test_are_reached_at_the_bound(self):
        self.assertEqual(figures.verdict(0.25, 0.25), "reached")
        self.assertEqual(figures.verdict(0.26, 0.25), "missed")
        self.assertEqual(figures.verdict(None, 0.25), "")
        self.assertEqual(figures.verdict(0.1, None), "")

    def test_degraded_reads_may_cost_a_fifth_or_a_tenth_of_a_second_more(self):
        self.assertAlmostEqual(figures.degraded_allowed(0.2), 0.3)
        self.assertAlmostEqual(figures.degraded_allowed(2.0), 2.4)


if __name__ == "__main__":
    unittest.main()
