#!/usr/bin/env bash
# @thefaultvault/tfv-cpe-parser 1.3.0 (npm): a colon in a version moves the rest of a CPE, and underscores are lost.
#
# In CPE 2.3 a colon within a value has a backslash before it (NISTIR 7695, 6.2), as in the versions with epochs of
# Debian. The parser cuts at every colon: half of the version becomes the update, and what it runs on becomes the
# hardware. An underscore, a character like others in a name, is read as a blank, which no CPE has. Needs node 18 or
# newer and npm.
#
# Seen:
#     version 2.4: product "mod ssl", version "2.4", update "*", on "linux", hardware "x64"
#     version 1\:2.4: product "mod ssl", version "1\\", update "2.4", on "*", hardware "linux"
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
npm install --silent --no-audit --no-fund @thefaultvault/tfv-cpe-parser@1.3.0
node - <<'NODE'
const assert = require("assert");
const { CpeParser } = require("@thefaultvault/tfv-cpe-parser");
const read = ["2.4", "1\\:2.4"].map((version) => {
  const cpe = new CpeParser().parse(`cpe:2.3:a:vendor:mod_ssl:${version}:*:*:*:*:linux:x64:*`);
  const seen = [cpe.product, cpe.version, cpe.update, cpe.target_sw, cpe.target_hw];
  const [product, number, update, on, hardware] = seen.map((one) => JSON.stringify(one));
  console.log(`version ${version}: product ${product}, version ${number}, update ${update}, on ${on}, hardware ${hardware}`);
  return seen;
});
assert.deepStrictEqual(read, [["mod ssl", "2.4", "*", "linux", "x64"], ["mod ssl", "1\\", "2.4", "*", "linux"]]);
NODE
