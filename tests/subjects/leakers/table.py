"""The table of cases as rows."""
import collections, os

HERE = os.path.dirname(os.path.abspath(__file__))
Case = collections.namedtuple("Case", "name grade factor claim leaker twin noise feature needs pairs")


def rows(name="cases"):
    with open(f"{HERE}/{name}") as file:
        return [line.split() for line in file if line.strip() and not line.startswith("#")]


def cases():
    found = [Case(*row) for row in rows()]
    assert [case.name for case in found] == sorted({case.name for case in found}), "the table is not sorted, or has a case twice"
    return found


def reasons(name):
    """`opaque` and `absent`: a case or a number and the reason, a line each."""
    return {row[0]: " ".join(row[1:]) for row in rows(name)}


def program(case, build):
    """Where its program is: beside the table, or (C) in the build folder."""
    for suffix in ("py", "pl", "sh"):
        path = f"{HERE}/{case.name}.{suffix}"
        if os.path.exists(path):
            return path
    return f"{build}/tests/subjects/leakers/{case.name}"


def language(case):
    return next(s for s in ("py", "pl", "sh", "c") if os.path.exists(f"{HERE}/{case.name}.{s}"))
