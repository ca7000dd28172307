#!/usr/bin/env bash
# parsedmarc 11.1.0: of a TLS report the mail servers that the policy names are lost.
#
# The member is called "mx-host" in a report (RFC 8460, 4.4 and the example there); parsedmarc looks for
# "mx-host-pattern", which is what the standard calls its value. No report has that, so that the column mx_host_patterns
# stays empty, and nobody is told. The text of the policy is kept.
#
# Seen:
#     mx-host: policy_domain, policy_type, policy_strings, successful_session_count, failed_session_count
#     mx-host-pattern: policy_domain, policy_type, policy_strings, mx_host_patterns, successful_session_count, failed_session_count
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check parsedmarc==11.1.0
venv/bin/python -W ignore - <<'PYTHON' | tee said
import json

import parsedmarc

for name in ("mx-host", "mx-host-pattern"):
    policy = {
        "policy-type": "sts", "policy-string": ["version: STSv1"], "policy-domain": "example.com", name: ["mx.example.com"],
    }
    report = {
        "organization-name": "Example",
        "date-range": {"start-datetime": "2026-01-01T00:00:00Z", "end-datetime": "2026-01-01T23:59:59Z"},
        "contact-info": "r@example.net",
        "report-id": "1",
        "policies": [
            {"policy": policy, "summary": {"total-successful-session-count": 5, "total-failure-session-count": 0}}
        ],
    }
    (read,) = parsedmarc.parse_smtp_tls_report_json(json.dumps(report))["policies"]
    print(name + ":", ", ".join(read))
PYTHON
diff said - <<'SEEN'
mx-host: policy_domain, policy_type, policy_strings, successful_session_count, failed_session_count
mx-host-pattern: policy_domain, policy_type, policy_strings, mx_host_patterns, successful_session_count, failed_session_count
SEEN
