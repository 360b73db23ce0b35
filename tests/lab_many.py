"""Runs many commands of the program in one process, for tests that look at thousands of messages.

Standard input: one JSON list of words a line.  Standard output, per command: a line "EXIT OUT ERR" with the exit code
and two lengths, and then that many bytes of its standard output and standard error.
"""

import functools
import io
import json
import runpy
import sys
import traceback

from mua.cli import arguments

parser = functools.cache(arguments.parser)
arguments.parse = lambda words: parser().parse_args(words)  # to make it is most of what a small command costs


def run(words: list[str]) -> tuple[int, bytes, bytes]:
    """One command as ``python -m mua WORDS`` would run it, but here."""
    out, err = io.BytesIO(), io.BytesIO()
    real = sys.stdout, sys.stderr, sys.argv
    wrappers = [io.TextIOWrapper(buffer, "utf-8", write_through=True) for buffer in (out, err)]
    sys.stdout, sys.stderr = wrappers
    sys.argv = ["mua", *words]
    code = 0
    try:
        runpy.run_module("mua", run_name="__main__", alter_sys=False)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except Exception:  # noqa: BLE001 -- what escapes the program is this test's finding
        traceback.print_exc()
        code = 70
    finally:
        for wrapper in wrappers:
            wrapper.flush()
            wrapper.detach()  # or the buffer would be closed with it
        sys.stdout, sys.stderr, sys.argv = real
    return code, out.getvalue(), err.getvalue()


def main() -> None:
    """Answer every line of standard input."""
    answers = sys.stdout.buffer
    for line in sys.stdin:
        code, out, err = run(json.loads(line))
        answers.write(f"{code} {len(out)} {len(err)}\n".encode() + out + err)
        answers.flush()


if __name__ == "__main__":
    main()
