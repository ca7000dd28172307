#!/usr/bin/env bash
# packageurl-python 0.17.6 and packageurl-js 2.0.1: the same package URL is written in two ways, both called canonical.
#
# The canonical form is there so that two purls can be compared as texts. For a "+" in a version (Debian's +b1, a Go
# pseudo-version) and for ":" and "/" in a qualifier the two libraries write another text, and for deb one puts the
# name in small letters. A statement about a package that one tool wrote is not found for the same package in the list
# of another. (A colon stays as it is, says ECMA-427.) Node 18 or newer and npm.
#
# Seen:
#     python: pkg:deb/debian/libstdc%2B%2B6@12.2.0-14%2Bdeb12u1
#     js:     pkg:deb/debian/libstdc%2B%2B6@12.2.0-14+deb12u1
#     python: pkg:generic/a@1?download_url=https://a.example/a.tar.gz
#     js:     pkg:generic/a@1?download_url=https%3A%2F%2Fa.example%2Fa.tar.gz
#     python: pkg:deb/Debian/Curl@1
#     js:     pkg:deb/debian/curl@1
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check packageurl-python==0.17.6
npm install --silent --no-audit --no-fund packageurl-js@2.0.1
cat >purls <<'PURLS'
pkg:deb/debian/libstdc++6@12.2.0-14+deb12u1
pkg:generic/a@1?download_url=https://a.example/a.tar.gz
pkg:deb/Debian/Curl@1
PURLS
venv/bin/python - >python.txt <<'PYTHON'
from packageurl import PackageURL

for line in open("purls"):
    print(PackageURL.from_string(line.strip()).to_string())
PYTHON
node - >js.txt <<'NODE'
const { PackageURL } = require("packageurl-js");
for (const line of require("fs").readFileSync("purls", "utf8").trim().split("\n"))
  console.log(PackageURL.fromString(line).toString());
NODE
paste -d'\n' <(sed 's/^/python: /' python.txt) <(sed 's/^/js:     /' js.txt)
python3 - <<'PYTHON'
python, js = (open(name).read().split() for name in ("python.txt", "js.txt"))
assert len(python) == 3 and not any(one == other for one, other in zip(python, js))
assert "%2Bdeb12u1" in python[0] and "+deb12u1" in js[0] and "https:" in python[1] and "https%3A" in js[1]
PYTHON
