"""Five hundred attributes tagged through the real misp-modules, which is killed in the middle: no tag missing, none twice."""

from __future__ import annotations

from pathlib import Path

import pytest
from hurry import LEASE, hurried
from misp_support import wait_until

from misp_workflow.testing import MispModulesServer
from misp_workflow.testing.misp import MispStandIn

NUMBER = 500


@pytest.mark.server
@pytest.mark.waits
def test_killed_in_the_middle_and_started_again(tmp_path: Path, recorded):
    with MispStandIn(recorded=recorded, bulk_local=False) as misp:  # one call per attribute, so that there is a middle
        rows = [{"type": "domain", "value": f"host{index}.example"} for index in range(NUMBER)]
        event = misp.add_event({"info": "many", "Attribute": rows})
        settings = tmp_path / "settings.toml"
        settings.write_text(f'[misp]\nurl = "{misp.url}"\nkey = "{misp.key}"\n')
        settings.chmod(0o600)
        environment = {"MISP_WORKFLOW_CONFIG": str(settings), "MISP_WORKFLOW_STATE": str(tmp_path / "state")}
        environment |= hurried(tmp_path, *LEASE)
        with MispModulesServer(environment=environment) as server:
            params = {"tags": "type:OSINT", "items": "all", "delivery": "queue"}
            said = server.query({"module": "misp_tag", "data": {"Event": event}, "params": params})
            assert said["data"]["status"] == "queued", said
            wait_until(lambda: tagged(misp) > NUMBER // 5)
            server.kill()
            between = tagged(misp)
            assert between < NUMBER, "it was killed too late to show anything"
            server.start()
            server.modules()  # what MISP asks first; from here on what waits is sent on
            wait_until(lambda: tagged(misp) == NUMBER)
    assert misp.repeats == 0
    assert {len(row["_tags"]) for row in misp.attributes.values()} == {1}


def tagged(misp: MispStandIn) -> int:
    return sum(bool(row["_tags"]) for row in list(misp.attributes.values()))
