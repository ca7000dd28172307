#!/usr/bin/env bash
# enterpriseattack 1.0.4: what MITRE has revoked is listed as if it stood, and by its name hides what replaced it.
#
# MITRE marks what is no longer kept as deprecated, and what another replaced as revoked. The library leaves out the
# first unless include_deprecated is set, and never the second. A revoked technique often keeps the name of its
# successor; with subscriptable=True techniques are found by name, and the one that stands later in the file is the
# answer.
#
# Seen:
#     techniques: T9001 Scheduled Task, T9002 Scheduled Task (revoked)
#     by name: T9002
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check enterpriseattack==1.0.4
venv/bin/python -W ignore - <<'PYTHON'
import json
import pathlib

from enterpriseattack import Attack


def technique(number, name, **more):
    return {
        "type": "attack-pattern", "id": f"attack-pattern--00000000-0000-4000-8000-00000000{number[1:]}", "name": name,
        "description": "What it does.", "x_mitre_is_subtechnique": False, "x_mitre_platforms": ["Windows"],
        "kill_chain_phases": [{"kill_chain_name": "mitre-attack", "phase_name": "execution"}],
        "external_references": [{
            "source_name": "mitre-attack", "external_id": number, "url": f"https://attack.example/techniques/{number}",
        }], **more,
    }


stands, revoked = technique("T9001", "Scheduled Task"), technique("T9002", "Scheduled Task", revoked=True)
deprecated = technique("T9003", "Old Task", x_mitre_deprecated=True)
replaced = {
    "type": "relationship", "id": "relationship--00000000-0000-4000-8000-000000000009", "relationship_type": "revoked-by",
    "source_ref": revoked["id"], "target_ref": stands["id"],
}
pathlib.Path("attack.json").write_text(
    json.dumps({"type": "bundle", "id": "bundle--1", "objects": [stands, revoked, deprecated, replaced]})
)
listed = [one.id for one in Attack(enterprise_json="attack.json", update=False).techniques]
by_name = Attack(enterprise_json="attack.json", update=False, subscriptable=True).techniques["Scheduled Task"].id
print("techniques:", ", ".join(f"{one} Scheduled Task" + " (revoked)" * (one == "T9002") for one in listed))
print("by name:", by_name)
assert listed == ["T9001", "T9002"] and by_name == "T9002"
PYTHON
