"""Prints "passed failed skipped" of a JUnit report, as ctest and pytest write it. A report that is missing is one failure.

count_tests.py REPORT [FOLDER]: where FOLDER holds a googletest report <test>.xml, its cases are counted instead of the
one entry that ctest has for the binary.
"""

import pathlib
import sys
import xml.etree.ElementTree as ElementTree


def cases_of(path):
    """The report's test cases; None when there is no report to read, as after a crash."""
    try:
        return list(ElementTree.parse(path).getroot().iter("testcase"))
    except (OSError, ElementTree.ParseError):
        return None


def verdict(case):
    if case.find("failure") is not None or case.find("error") is not None or case.get("status") == "fail":
        return "failed"
    skipped = case.find("skipped")
    if skipped is not None and "Unable to find executable" in skipped.get("message", ""):
        return "failed"  # ctest calls a binary that was not built skipped.
    if skipped is not None or case.get("status") in ("notrun", "disabled"):
        return "skipped"
    return "passed"


def count(report, folder=None):
    cases = cases_of(report)
    if cases is None:
        return ["failed"]
    verdicts = []
    for case in cases:
        own = cases_of(folder / f"{case.get('name')}.xml") if folder else None
        whole = verdict(case)
        inner = [verdict(c) for c in own] if own else []
        # A binary may fail where no case did: in its shutdown, or by a sanitizer.
        verdicts += inner if inner and (whole != "failed" or "failed" in inner) else [*inner, whole]
    return verdicts


if __name__ == "__main__":
    verdicts = count(sys.argv[1], pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    print(*(verdicts.count(kind) for kind in ("passed", "failed", "skipped")))
