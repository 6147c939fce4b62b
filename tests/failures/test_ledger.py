"""Every known way to fail has a test that provokes it: the list, and the check that the tests are there."""

import ast
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]

# What is done to a run → the tests that do it.
FAILURES = {
    "F1 whole process group killed in a rule": [
        "failures/test_kills.py::test_a_killed_run_goes_on_with_the_commands_that_doctor"
    ],
    "F2 one job killed": ["failures/test_kills.py::test_a_killed_step_fails_alone"],
    "F3 a second snakemake": ["failures/test_kills.py::test_a_killed_run_goes_on", "workspace/test_unlock.py::"],
    "F4 disk full": ["failures/test_kills.py::test_a_full_disk_fails_the_step"],
    "F5 disk full, error swallowed": ["failures/test_kills.py::test_a_step_that_swallows_a_full_disk_gets_no_receipt"],
    "F6 killed while a checkpoint is written": [
        "failures/test_doctor.py::test_a_checkpoint_cut_anywhere_is_found",
        "lightning_modules/test_trainer.py::test_a_damaged_checkpoint_falls_back_to_the_one_before",
    ],
    "F7 last checkpoint cut or flipped": [
        "failures/test_doctor.py::test_a_checkpoint_cut_anywhere_is_found",
        "lightning_modules/test_trainer.py::test_a_damaged_checkpoint_falls_back_to_the_one_before",
    ],
    "F8 resumed equals undisturbed": [
        "lightning_modules/test_trainer.py::test_resumed_training_equals_an_undisturbed_run_bit_by_bit",
        "lightning_modules/test_sampler_pretraining.py::test_interrupted_and_resumed_training_is_the_same_bit_by_bit",
        "lightning_modules/test_joint_evolution.py::test_interrupted_and_resumed_training_is_the_same_bit_by_bit",
    ],
    "F9 a retried training goes on": ["tracking/test_runs.py::test_a_failed_run_says_so_and_is_resumed_as_the_same_run"],
    "F10 bad videos": ["codec/test_codec_damage.py::", "videos/test_clips.py::test_bad_files_are_quarantined_with_their_reason"],
    "F11 vectors under threads": ["codec/test_codec_motion.py::test_vectors_are_the_decoders_own"],
    "F12 MLflow dead, slow, broken, full": ["tracking/test_outages.py::"],
    "F13 two runs on one database": ["tracking/test_runs.py::test_processes_at_once_create_one_database_and_one_study_run"],
    "F14 no network": ["models/test_weights.py::test_every_missing_part_is_named"],
    "F15 job state UNKNOWN": ["failures/test_doctor.py::test_an_output_without_a_receipt_counts_as_unfinished"],
    "F17 edits rerun the right rules": ["failures/test_why.py::", "config/test_digest.py::"],
    "F18 NaN, dead groups, empty completions": [
        "lightning_modules/test_trainer.py::test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_checkpoint",
        "rewards/test_rewards.py::test_rounding_does_not_bring_a_dead_group_to_life",
        "rewards/test_objectives.py::test_empty_completions_and_wild_padding_do_no_harm",
    ],
    "F19 caches of other videos or weights": ["models/test_clip.py::test_another_video_or_a_damaged_entry_is_computed_anew"],
    "F20 wrong clocks, copies without times": ["failures/test_why.py::test_times_alone_rerun_nothing"],
    "F21 odd folders": ["failures/test_names_and_secrets.py::test_no_name", "failures/test_kills.py::test_a_read_only_folder"],
    "F22 a worker out of memory": ["failures/test_kills.py::test_a_worker_that_the_kernel_kills_fails_the_step"],
    "damaged files of every kind": [
        "failures/test_doctor.py::test_every_damaged_output",
        "failures/test_doctor.py::test_every_file",
    ],
    "a run cut off before it was ever tracked": ["tracking/test_runs.py::test_a_run_that_was_cut_off_before_it_was_ever_sent"],
    "secrets in messages": ["failures/test_names_and_secrets.py::test_secrets_stay_in_the_environment"],
    "an audit without advisories": ["workspace/test_audit.py::"],
}
# F16 needs a real SLURM (tests/slurm), F23 minutes of random kills (perf/punisher.py, figures in perf/measured/punisher.json).
ELSEWHERE = {"F16", "F23"}


@pytest.mark.parametrize("failure", FAILURES)
def test_each_failure_has_its_tests(failure: str) -> None:
    for wanted in FAILURES[failure]:
        file, _, name = wanted.partition("::")
        tree = ast.parse((TESTS / file).read_text(encoding="utf-8"))
        names = [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")]
        assert any(found.startswith(name) for found in names), wanted


def test_no_number_is_left_out() -> None:
    assert {failure.split()[0] for failure in FAILURES} | ELSEWHERE >= {f"F{number}" for number in range(1, 24)}
