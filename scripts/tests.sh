#!/usr/bin/env bash
# Shared by verify.sh and verify-full.sh: runs named checks, counts them and the tests inside them, ends with one line.
# A check that cannot run because something is missing fails; nothing is skipped.
# The reports go to a folder of their own; the counts of several scripts add up through PLIMSOLL_COUNTS.
set -uo pipefail
cd "$(dirname "$0")/.."

reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
counts=${PLIMSOLL_COUNTS:-$reports/counts}
touch "$counts"

heading() { printf '\n\033[1m== %s\033[0m\n' "$*"; }

# check NAME COMMAND...: one check that passes or fails as a whole.
check() {
  local name=$1; shift
  heading "$name"
  if "$@"; then echo "1 0 $name" >>"$counts"; else echo "0 1 $name" >>"$counts"; echo "FAILED: $name" >&2; fi
}

# suite PROJECT: a vitest project; every test counts, and so does a run that ends badly without a failed test
# (a crash, an unhandled error, no tests found). A skipped test counts as failed. What failed is told again at the end.
suite() {
  local project=$1 report="$reports/$1.json" status=0
  heading "tests: $project"
  npx --no-install vitest run --project "$project" --reporter=default --reporter=json --outputFile.json="$report" || status=$?
  node -e '
    const { readFileSync } = require("node:fs")
    const [report, status, project] = process.argv.slice(1)
    let passed = 0, failed = 0
    const names = []
    try {
      const r = JSON.parse(readFileSync(report, "utf8"))
      passed = r.numPassedTests
      failed = r.numTotalTests - r.numPassedTests
      for (const file of r.testResults) {
        for (const test of file.assertionResults) if (test.status !== "passed") names.push(`${file.name}: ${test.fullName}`)
        if (file.status === "failed" && file.assertionResults.length === 0) names.push(file.name)
      }
    } catch {}
    if (failed === 0 && (status !== "0" || passed === 0)) failed = 1
    console.log(`${passed} ${failed} tests: ${project}`)
    for (const name of names) console.log(`0 0   ${name.replaceAll("\n", " ")}`)
  ' "$report" "$status" "$project" >>"$counts"
}

# finish: the closing line, and the exit code. Says which checks failed.
finish() {
  heading "result"
  awk '$2 > 0 { n = $2; $1 = ""; $2 = ""; sub(/^ +/, ""); print "  failed in " $0 ": " n; next }
    $1 == 0 { $1 = ""; $2 = ""; sub(/^ +/, ""); print "    " $0 }' "$counts"
  awk '{ passed += $1; failed += $2 } END { printf "%d passed, %d failed\n", passed, failed; exit failed > 0 || passed == 0 }' "$counts"
}
