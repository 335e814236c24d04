#!/usr/bin/env bash
# Builds everything and runs every test, lit's and the unit tests', in one run of lit; arguments go to lit.
# Its last line is 'N passed, N failed', and ', N skipped' where tests were; the status is that of the tests.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
"$root/scripts/build.sh" all dtc-tests >&2

build=$root/build/release
report=$build/test/report.json
rm -f "$report"
lit=$(sed -n 's/^LIT:FILEPATH=//p' "$build/CMakeCache.txt")
status=0
# A test that hangs fails; the longest takes about a minute on two cores.
"$lit" -v --timeout=900 --output "$report" "$@" "$build/test" "$build/test/Unit" || status=$?
[ -f "$report" ] || exit "$((status ? status : 1))"
python3 - "$report" "$status" <<'END'
# Counts lit's results; a run without a single test is a failure too.
import json, sys
codes = [test["code"] for test in json.load(open(sys.argv[1]))["tests"]]
passed = sum(code in ("PASS", "XFAIL", "FLAKYPASS") for code in codes)
skipped = sum(code in ("UNSUPPORTED", "SKIPPED", "EXCLUDED") for code in codes)
failed = len(codes) - passed - skipped
print(f"{passed} passed, {failed} failed" + (f", {skipped} skipped" if skipped else ""))
sys.exit(int(sys.argv[2]) or int(failed > 0 or passed == 0))
END
