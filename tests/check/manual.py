#!/usr/bin/env python3
"""Every command has a manual page that names every option of its --help, and no other: manual.py SOURCE HALLMARK"""
import re, subprocess, sys

source, program = sys.argv[1:3]
help_text = subprocess.run([program, "--help"], capture_output=True, text=True).stdout
commands = re.findall(r"^  (\w+) ", help_text, re.M)
number, failed = 0, False


def result(good, text):
    global number, failed
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


result(len(commands) >= 8, "the general help lists the commands")
overview = open(f"{source}/doc/man/hallmark.1.scd").read()
for command in commands:
    said = subprocess.run([program, command, "--help"], capture_output=True, text=True)
    result(said.returncode == 0 and said.stdout.startswith(f"usage: hallmark {command}"), f"{command} --help")
    options = set(re.findall(r"^  (?:-\w, |    )--([a-z-]+)", said.stdout, re.M)) - {"help"}
    try:
        page = open(f"{source}/doc/man/hallmark-{command}.1.scd").read()
    except OSError:
        result(False, f"{command} has a manual page")
        continue
    body = page.split("# OPTIONS")[1].split("\n# ")[0] if "# OPTIONS" in page else ""
    documented = set(re.findall(r"^\*?(?:-\w\*, \*)?--([a-z-]+)\*", body, re.M))
    result(documented == options, f"{command}: manual and --help name the same options {sorted(documented ^ options) or ''}")
    result(f"*{command}*" in overview, f"{command} stands in hallmark(1)")
print(f"1..{number}")
sys.exit(failed)
