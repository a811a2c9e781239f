"""What is read from /proc, /sys, firnd's help and the command line."""

import unittest

from lib import drives, generator, machine, processes, servers


class ProcFiles(unittest.TestCase):
    def test_a_command_with_spaces_and_parentheses_does_not_shift_the_fields(self):
        stat = "42 (a (b) c) S 7 42 42 0 -1 4194304 100 0 0 0 150 250 0 0 20 0 5 0 1000 1 1"
        self.assertEqual(processes.parse_stat(stat), {"parent": 7, "user": 150, "system": 250})

    def test_status_lines_are_in_bytes(self):
        text = "Name:\tx\nVmHWM:\t  2048 kB\nVmRSS:\t 1024 kB\n"
        self.assertEqual(processes.parse_status_bytes(text, "VmHWM"), 2 << 20)
        self.assertEqual(processes.parse_status_bytes(text, "VmSwap"), 0)

    def test_steal_is_the_eighth_count(self):
        self.assertEqual(processes.parse_cpu_line("cpu  1 2 3 4 5 6 7 88 0 0\ncpu0 9 9\n"), 88)

    def test_a_tree_holds_children_of_children_and_nobody_else(self):
        parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1}
        self.assertEqual(sorted(processes.descendants(parents, 10)), [10, 11, 12])


class BlockStat(unittest.TestCase):
    LINE = "45 1 85 4 20 3 4096 9 0 4 5 0 0 0 0 7 2"

    def test_sectors_become_bytes_and_flushes_are_their_own_count(self):
        self.assertEqual(drives.parse_block_stat(self.LINE),
                         {"read_bytes": 85 * 512, "written_bytes": 4096 * 512, "writes": 20, "flushes": 7})

    def test_devices_add_up(self):
        one = drives.parse_block_stat(self.LINE)
        self.assertEqual(drives.add_stats([one, one])["flushes"], 14)
        self.assertEqual(drives.add_stats([])["written_bytes"], 0)


class Against(unittest.TestCase):
    def test_names_an_endpoint_a_process_and_a_credential(self):
        self.assertEqual(servers.parse_external("other=http://127.0.0.1:1,77,a,s=1"),
                         ("other", "http://127.0.0.1:1", 77, "a", "s=1", []))
        self.assertEqual(servers.parse_external("o=127.0.0.1:1,7,a,s,/m/1:/m/2")[5], ["/m/1", "/m/2"])

    def test_anything_else_is_refused(self):
        for text in ("", "x", "=h,1,a,s", "x=h,pid,a,s", "x=h,1,a", "x=h,1,a,s,d,e"):
            with self.assertRaises(ValueError):
                servers.parse_external(text)

    def test_its_secret_does_not_reach_the_result(self):
        self.assertEqual(machine.public_argument("o=h:1,7,a,hush"), "o=h:1,7,a,SECRET")
        self.assertEqual(machine.public_argument("--against=o=h:1,7,a,hush,/m/1"), "--against=o=h:1,7,a,SECRET")

    def test_folders_do_not_reach_the_result(self):
        self.assertEqual(machine.public_argument("/home/me/bin/minio"), "minio")
        self.assertEqual(machine.public_argument("--firnd=/home/me/firnd"), "--firnd=firnd")
        self.assertEqual(machine.public_argument("put-*"), "put-*")


class Settings(unittest.TestCase):
    HELP = ("| flag | variable |\n|---|---|\n| `--body-cache BYTES` | `FIRN_BODY_CACHE` |\n"
            "| `--metadata-cache BYTES` | `FIRN_METADATA_CACHE` |\n| `--listen HOST:PORT` | `FIRN_LISTEN` |\n")

    def test_caches_of_bodies_can_be_switched_off(self):
        self.assertEqual(servers.uncached_flags(self.HELP), ["--body-cache", "0"])

    def test_a_server_without_such_a_cache_has_no_flags(self):
        self.assertEqual(servers.uncached_flags(""), [])


class GeneratorArguments(unittest.TestCase):
    def test_truth_is_a_flag_alone(self):
        self.assertEqual(generator.arguments({"op": "get", "size": 5, "verify": True, "tls": False, "x": None}),
                         ["-op", "get", "-size", "5", "-verify"])


if __name__ == "__main__":
    unittest.main()
