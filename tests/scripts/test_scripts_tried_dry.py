"""Dry runs and the doctor start no program, and say of one that is not there what a real run would say."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from scripts_kit import Shop, ask

from misp_workflow.cli import main
from misp_workflow.delivery.trial import trial

DRY = {"dry_run": "true"}


def test_a_misspelt_script_is_refused_dry_as_it_is_in_earnest(shop: Shop):
    shop.add("close-port", "touch ran")
    for said in (ask("script_run", "close-por", **DRY), ask("script_run", "close-por")):
        assert said["error"] == (
            "No script is called “close-por” in [scripts] of the settings; the nearest name is “close-port”."
        )


def test_a_program_that_is_not_there_waits_dry_as_it_does_in_earnest(shop: Shop):
    shop.add("close-port", "touch ran").unlink()
    said = ask("script_run", "close-port", **DRY)["data"]
    assert said["status"] == "dry-run" and said["detail"].startswith("Would wait in the outbox: The program ")
    assert "Queued, because The program " in ask("script_run", "close-port")["data"]["detail"]


def test_what_would_run_is_named(shop: Shop):
    shop.add("close-port", "touch ran")
    assert ask("script_run", "close-port", **DRY)["data"]["detail"].startswith("Would run the script close-port: {")
    assert not (shop.out / "ran").exists()


def test_nobody_says_yes_in_a_trial_of_a_gate(shop: Shop):
    shop.add("judge", "touch ran")
    with trial():
        said = ask("script_gate", "judge")["data"]
    assert said["detail"] == "The script judge was not started, which counts as its yes."
    assert not (shop.out / "ran").exists()


@pytest.mark.parametrize("name", ["judge", "judg"])
def test_a_gate_without_its_program_blocks_in_a_trial_too(shop: Shop, name: str):
    shop.add("judge", "true").unlink()
    with trial():
        tried = ask("script_gate", name)
    assert tried == ask("script_gate", name) and tried["error"].startswith("Not passed: ")


def test_the_doctor_looks_whether_programs_can_be_run(shop: Shop):
    shop.add("judge", "touch ran")
    shop.add("gone", "true").unlink()
    said = " ".join(CliRunner().invoke(main, ["doctor"]).output.split())
    assert "1 of 2 can be run" in said and "of scripts.gone cannot be run: No such file or directory" in said
    assert not (shop.out / "ran").exists()
