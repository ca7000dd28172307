#!/usr/bin/env bash
# packageurl-js 2.0.1: a plus sign in a qualifier is read as a blank, in a version as a plus sign.
#
# A purl is no form of a web page: a "+" in it is a "+" (packageurl-python reads it so, everywhere). The address of a
# repository or a file with one in it, git+https or g++.tar.gz, comes out with a blank, and is written on as %20. Node
# 18 or newer and npm.
#
# Seen:
#     js:     1.0+b1 {"vcs_url":"git https://a.example/g  .git"}
#     js:     pkg:generic/a@1.0+b1?vcs_url=git%20https%3A%2F%2Fa.example%2Fg%20%20.git
#     python: 1.0+b1 {'vcs_url': 'git+https://a.example/g++.git'}
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check packageurl-python==0.17.6
npm install --silent --no-audit --no-fund packageurl-js@2.0.1
export PURL='pkg:generic/a@1.0+b1?vcs_url=git+https://a.example/g++.git'
node - <<'NODE'
const { PackageURL } = require("packageurl-js");
const read = PackageURL.fromString(process.env.PURL);
console.log("js:    ", read.version, JSON.stringify(read.qualifiers));
console.log("js:    ", read.toString());
require("assert").deepStrictEqual(
  [read.version, read.qualifiers.vcs_url], ["1.0+b1", "git https://a.example/g  .git"]);
NODE
venv/bin/python - <<'PYTHON'
import os

from packageurl import PackageURL

read = PackageURL.from_string(os.environ["PURL"])
print("python:", read.version, read.qualifiers)
assert read.qualifiers == {"vcs_url": "git+https://a.example/g++.git"}
PYTHON
