#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Changes a proxy's configuration, binary and processes under clients that
never try again, and says what they noticed. See README.md."""
import argparse
import contextlib
import fcntl
import json
import os
import shutil
import signal
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.dirname(HERE)]
import cases                                            # noqa: E402
import judge                                            # noqa: E402
import proxies                                          # noqa: E402
import watch                                            # noqa: E402

TOP = os.path.dirname(os.path.dirname(HERE))


def tools_folder():
    return (os.environ.get("TORTURE_TOOLS") or
            os.path.join(os.environ.get("O", f"{TOP}/build"), "torture"))


def options():
    ap = argparse.ArgumentParser(
        description=__doc__,
        epilog="cases: " + "; ".join(f"{k}: {c.about}" for k, c in
                                     cases.CASES.items()))
    ap.add_argument("case", nargs="*", help="default: reload")
    ap.add_argument("--proxy", action="append", type=proxies.proxy,
                    metavar="LABEL=KIND:PATH",
                    help="ecluse, haproxy, nginx, a label with kind and path, "
                         "or LABEL=own:FILE (README.md); default: ecluse")
    ap.add_argument("--reloads", type=int, help="how many")
    ap.add_argument("--seconds", type=float, help="over how long")
    ap.add_argument("--events", help="config,workers,upgrade in turn")
    ap.add_argument("--workers", type=int, help="of the proxy")
    ap.add_argument("--crowd", action="append", default=[],
                    metavar="NAME=N", help="size of a crowd: keep.rate=1000, "
                    "ws=50, all=0; see crowd.c")
    ap.add_argument("--json", help="append the figures to this file")
    ap.add_argument("--faults", type=int, default=20,
                    help="how many kinds of faults to print, with the first "
                    "of each")
    ap.add_argument("--quiet-reloads", type=int,
                    help="reloads that measure processor time")
    ap.add_argument("--only-promises", action="store_true",
                    help="judge what does not depend on a quiet machine")
    ap.add_argument("--keep", action="store_true",
                    help="keep the scratch folder (logs of the proxies)")
    return ap.parse_args()


@contextlib.contextmanager
def alone(wanted):
    """Who measures wants the machine for himself: benchmarks keep away."""
    path = os.environ.get("BENCH_LOCK", os.path.join(tempfile.gettempdir(),
                                                     "bench.lock"))
    with open(path, "a") if wanted else contextlib.nullcontext() as f:
        if wanted:
            fcntl.flock(f, fcntl.LOCK_EX)
        yield


def one(case, proxy, opt, scratch):
    """Run one case on one proxy: its figures, or why there are none."""
    run = cases.Run(case, proxy, opt, tools_folder())
    try:
        with alone(not opt.only_promises):
            return run.go(scratch)
    except cases.Impossible as e:
        print(f"  {case.name}: {proxy.label} left out: {e}", flush=True)
        return None
    finally:
        run.end()


def main():
    opt = options()
    if not os.access(os.path.join(tools_folder(), "clients"), os.X_OK):
        raise SystemExit(f"{tools_folder()} has no programs; "
                         "run 'make torture-tools'")
    for name in opt.case or ["reload"]:
        if name not in cases.CASES:
            raise SystemExit(f"no case '{name}'; there are "
                             + ", ".join(cases.CASES))
    watch.adopt_orphans()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if not opt.only_promises:
        # Times are measured: whatever else runs here should not show.
        with contextlib.suppress(OSError):
            os.nice(-10)
    chosen = opt.proxy or [proxies.proxy("ecluse")]
    failed = 0
    scratch = tempfile.mkdtemp(prefix="torture.")
    os.chmod(scratch, 0o755)
    try:
        for name in opt.case or ["reload"]:
            case, results = cases.CASES[name], {}
            for p in chosen:
                place = os.path.join(scratch, name)
                os.makedirs(place, exist_ok=True)
                got = one(case, p, opt, place)
                if got is not None:
                    results[p.label] = got
            print(judge.table(case, results, opt.only_promises), flush=True)
            for label, figures in results.items():
                print(judge.faults(label, figures, opt.faults), end="")
            if opt.only_promises:
                for label, figures in results.items():
                    print("result:", judge.brief(label, figures))
            if chosen[0].label in results:
                missed = judge.missed(case, results[chosen[0].label],
                                      opt.only_promises)
                failed += len(missed)
                for line in missed:
                    print(f"MISSED {name}: {chosen[0].label}: {line}")
            else:
                failed += 1
            if opt.json:
                with open(opt.json, "a") as f:
                    f.write(json.dumps({"case": name, "result": results})
                            + "\n")
    finally:
        if opt.keep:
            print("kept", scratch)
        else:
            shutil.rmtree(scratch, ignore_errors=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
