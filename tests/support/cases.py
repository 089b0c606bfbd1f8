"""Cases of a test program, told as TAP; and what such programs do with files and commands."""
import os, subprocess, sys, tempfile

_folder = tempfile.TemporaryDirectory(prefix="hallmark-cases-")
_number, _failed = 0, False


def here(name):
    """In a folder of this program's own, which goes with it."""
    return os.path.join(_folder.name, name)


def result(good, text, details=()):
    global _number, _failed
    _number += 1
    for detail in details if not good else ():
        print("#", ascii(detail)[:800])
    print(f"{'ok' if good else 'not ok'} {_number} - {text}")
    _failed |= not good


def put(name, data):
    with open(here(name), "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
    return here(name)


def run(*arguments):
    """Exit code, and all that was said."""
    done = subprocess.run(arguments, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    return done.returncode, done.stdout + done.stderr


def end():
    print(f"1..{_number}")
    sys.exit(_failed)
