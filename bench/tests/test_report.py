"""The result as people read it."""

import unittest

from lib import engine_jobs, figures, report, report_extras, words


def run(cpu_ms, **more):
    return {"operations": 10, "errors": 0, "error": "", "cpu_ms_per_op": cpu_ms, "cpu_s": cpu_ms / 100,
            "client_cpu_s": 0.001, "drained": True, "ops_per_s": 1000 / cpu_ms, **more}


def result(ours, theirs, target=0.25):
    servers = {"firn": ours, "minio": theirs}
    return {
        "name": "try", "runs": len(ours), "tls": False, "drives": "six", "yardstick_s": [0.4, 0.4],
        "generator_sha256": "0" * 64,
        "machine": {"date": "2026-01-02 03:04:05", "command": "bench/run.py", "revision": "none", "kernel": "6", "cpu": "c",
                    "cpu_flags": [], "cores": 2, "memory_bytes": 8e9, "harness_sha256": "0" * 64},
        "servers": [{"name": name} for name in servers],
        "rows": {"get-4k": {
            "target": target, "per_key": False,
            "servers": {name: {"runs": runs, "median": figures.medians(runs)} for name, runs in servers.items()},
            "ratios": {"minio": figures.compare(ours, theirs)}}},
        "extras": {}, "floors": {}, "notes": [],
    }


class Numbers(unittest.TestCase):
    def test_have_three_digits(self):
        for value, text in ((0, "0"), (None, "–"), (0.0123456, "0.0123"), (1.23456, "1.23"), (12.3456, "12.3"),
                            (123.456, "123"), (1234567, "1,234,567")):
            self.assertEqual(words.number(value), text)

    def test_targets_read_as_fractions(self):
        for value, text in ((1 / 12, "≤ 1/12"), (3 / 4, "≤ 3/4"), (3 / 5, "≤ 3/5"), (1 / 500, "≤ 1/500"), (None, "")):
            self.assertEqual(words.fraction(value), text)


class EngineJobs(unittest.TestCase):
    def test_show_cpu_wall_time_and_ratio(self):
        def job(cpu_s, seconds):
            return figures.of_run({**engine_jobs.summary(0, 1.0), "seconds": seconds}, {"cpu_s": cpu_s}, None)
        found = {"deltalake": {"firn": [job(1, 30), job(1, 30)], "minio": [job(4, 40), job(5, 40)]}}
        text = "\n".join(report_extras.engine_jobs(found))
        self.assertIn("| deltalake | firn | 1.00 | 30.0 |  | 0 |", text)
        self.assertIn("| deltalake | minio | 4.50 | 40.0 | 0.225 (0.200 to 0.250) | 0 |", text)


class Report(unittest.TestCase):
    def test_shows_cost_ratio_target_and_verdict(self):
        text = report.markdown(result([run(1), run(1)], [run(10), run(5)]))
        self.assertIn("| get-4k | 1.00 ms | 7.50 ms | 0.150 (0.100 to 0.200) | ≤ 1/4 | reached |", text)
        self.assertIn("None.", text)

    def test_shows_every_run(self):
        text = report.markdown(result([run(1), run(2)], [run(10), run(5)]))
        self.assertIn("| get-4k | firn | ms | 1.00 | 2.00 |", text)

    def test_names_errors_unrest_and_a_busy_generator(self):
        ours = [run(1, errors=2, error="wrong byte"), run(1, drained=False, client_cpu_s=9)]
        text = report.markdown(result(ours, [run(10), run(5)]))
        self.assertIn("get-4k, firn, run 1: 2 errors, the first: wrong byte", text)
        self.assertIn("get-4k, firn, run 2: the server did not come to rest", text)
        self.assertIn("get-4k, firn: the generator took more CPU than the server", text)

    def test_a_server_alone_has_neither_ratio_nor_target(self):
        alone = result([run(1)], [run(10)])
        alone["servers"].pop()
        alone["rows"]["get-4k"]["servers"].pop("minio")
        alone["rows"]["get-4k"]["ratios"] = {}
        self.assertIn("| get-4k | 1.00 ms |\n", report.markdown(alone))

    def test_floors_stand_beside_what_they_bound(self):
        with_floor = result([run(1)], [run(10)])
        with_floor["floors"] = {"nginx": {"get-4k": [run(0.25)]}}
        self.assertIn("| reached | 0.250 | 4.00 |", report.markdown(with_floor))

    def test_extras_have_sections(self):
        extras = result([run(1)], [run(10)])
        names = ("list_flat", "list_delimiter", "head", "get", "put")
        extras["extras"] = {
            "start-idle": {"firn": [{"start_s": 0.1, "idle_rss_bytes": 5e6, "idle_cpu_share": 0.01, "restart_s": 0.2}]},
            "many-connections": {"firn": [run(1, peak_rss_bytes=7e8)]},
            "settled-writes": {"put-1m": {"firn": [{"device_bytes_per_payload_byte": 1.55, "flushes_per_op": 6}]}},
            "degraded": {"get-64m": {"healthy": {"firn": [run(10, cpu_s_per_gb=0.2)]},
                                     "two_gone": {"firn": [run(14, cpu_s_per_gb=0.28)]}}},
            "list-growth": {"firn": {"10000": {name: [run(1, cpu_us_per_key=2)] for name in names},
                                     "start_after_kill_s": 0.5}},
        }
        text = report.markdown(extras)
        for line in ("| firn | 0.100 | 0.200 | 5.00 | 1.00 |", "| firn | 700 |", "| put-1m | firn | 1.55 | 6.00 |",
                     "| get-64m | firn | 10.0 | 14.0 | 1.40 (1.40 to 1.40) | yes |", "| firn | 10,000 | 2.00 |",
                     "start after kill -9 with that many keys: 0.500 s"):
            self.assertIn(line, text)


if __name__ == "__main__":
    unittest.main()
