"""Runs a command under a seccomp profile of the kind that container runtimes take:

    python seccomp.py PROFILE.json COMMAND...

It knows what our profile uses: names, arguments under a mask, and error numbers.
"""

import ctypes
import json
import os
import pathlib
import re
import struct
import sys

NUMBERS = pathlib.Path("/usr/include/x86_64-linux-gnu/asm/unistd_64.h")
X86_64 = 0xC000003E
LOAD, JUMP_EQUAL, AND, RETURN = 0x20, 0x15, 0x54, 0x06
ALLOW, ERRNO, KILL = 0x7FFF0000, 0x00050000, 0x80000000
NUMBER_AT, ARCHITECTURE_AT, ARGUMENTS_AT = 0, 4, 16
PR_SET_SECCOMP, FILTER, PR_SET_NO_NEW_PRIVS = 22, 2, 38


def numbers():
    return {name: int(number) for name, number in re.findall(r"#define __NR_(\w+) (\d+)", NUMBERS.read_text())}


def verdict(rule, default_errno):
    return ALLOW if rule["action"] == "SCMP_ACT_ALLOW" else ERRNO | rule.get("errnoRet", default_errno)


def program(profile, known):
    """Classic BPF, one comparison after another."""
    default_errno = profile.get("defaultErrnoRet", 1)
    default = ALLOW if profile["defaultAction"] == "SCMP_ACT_ALLOW" else ERRNO | default_errno
    code = [(LOAD, 0, 0, ARCHITECTURE_AT), (JUMP_EQUAL, 1, 0, X86_64), (RETURN, 0, 0, KILL), (LOAD, 0, 0, NUMBER_AT)]
    for rule in profile["syscalls"]:
        for name in rule["names"]:
            if name not in known:
                continue  # Of another architecture, or newer than this machine's headers.
            arguments = rule.get("args", [])
            if not arguments:
                code += [(JUMP_EQUAL, 0, 1, known[name]), (RETURN, 0, 0, verdict(rule, default_errno))]
                continue
            (argument,) = arguments
            assert argument["op"] == "SCMP_CMP_MASKED_EQ"
            code += [(JUMP_EQUAL, 0, 5, known[name]), (LOAD, 0, 0, ARGUMENTS_AT + 8 * argument["index"]),
                     (AND, 0, 0, argument["value"]), (JUMP_EQUAL, 0, 1, argument["valueTwo"]),
                     (RETURN, 0, 0, verdict(rule, default_errno)), (RETURN, 0, 0, default)]
    return code + [(RETURN, 0, 0, default)]


def take_on(profile):
    code = program(profile, numbers())
    instructions = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *each) for each in code))
    head = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(code), ctypes.addressof(instructions)))
    libc = ctypes.CDLL(None, use_errno=True)
    for call in [(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), (PR_SET_SECCOMP, FILTER, ctypes.addressof(head), 0, 0)]:
        if libc.prctl(*map(ctypes.c_ulong, call)) != 0:
            raise OSError(ctypes.get_errno(), "seccomp")


if __name__ == "__main__":
    take_on(json.loads(pathlib.Path(sys.argv[1]).read_text()))
    os.execv(sys.argv[2], sys.argv[2:])
