//! End-to-end tests of the commands: `COMMANDS_ENGINE=local cargo test -p commands`.
//!
//! The scenarios run one after another. Most share a stack ([`harness::Stack`]), which is running and healthy before
//! each scenario, so each can run alone: pass a part of its name after `--`.

mod broken_source;
mod browser;
mod concurrent_checkouts;
mod containers;
mod conventions;
mod copies;
mod crashes;
mod data;
mod doctor;
mod documented;
mod dumps;
mod edits;
mod engine_choice;
mod external;
mod first_up;
mod generated;
mod harness;
mod interrupts;
mod no_engine;
mod overview;
mod own_project;
mod pictures;
mod point_in_time;
mod ports;
mod production;
mod proxy;
mod reload;
mod remote;
mod schema;
mod settings;
mod tools;
mod upgrades;

use std::{
    panic::catch_unwind,
    process::ExitCode,
    sync::{Arc, LazyLock},
};

use harness::{Engine, Stack, interrupt};
use libtest_mimic::{Arguments, Trial};

type Scenario = fn(&Stack);

/// Pairs scenarios with their names.
macro_rules! named {
    ($($scenario:path),* $(,)?) => { [$((stringify!($scenario), $scenario as Scenario)),*] };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let engine = Engine::requested();
    interrupt::watch();
    // If the first `up` panics, its message is shown once. Each scenario then fails with a message about the stack.
    let stack = Arc::new(LazyLock::new(move || catch_unwind(|| Stack::start(engine)).ok()));
    let trials = scenarios(engine)
        .into_iter()
        .map(|(name, scenario)| {
            let stack = Arc::clone(&stack);
            Trial::test(name, move || {
                let stack = Option::as_ref(&stack).ok_or("the first `up` failed: see above")?;
                stack.make_ready();
                scenario(stack);
                Ok(())
            })
        })
        .collect();
    let conclusion = libtest_mimic::run(&arguments, trials);
    // Dropping the last reference stops the stack and deletes its files.
    drop(stack);
    conclusion.exit_code()
}

/// Returns the scenarios in order. Long builds, and scenarios that remove the caches, come last.
fn scenarios(engine: Engine) -> Vec<(&'static str, Scenario)> {
    let on_both = named![
        first_up::first_up_creates_the_stack_and_prints_its_addresses,
        first_up::the_api_and_readers_have_their_own_roles,
        first_up::a_second_up_changes_nothing,
        tools::status_prints_json,
        tools::status_prints_text,
        tools::commands_report_a_stopped_stack,
        tools::exec_returns_output_and_exit_code,
        tools::psql_accepts_arguments_and_a_pipe,
        tools::logs_show_a_request_and_follow_the_next,
        tools::restart_restarts_only_the_named_service,
        tools::migrate_shows_and_applies_migrations,
        conventions::version_is_that_of_the_project,
        conventions::up_prints_its_result_to_stdout_and_progress_to_stderr,
        conventions::commands_print_json,
        conventions::routes_list_permissions_and_handlers,
        conventions::open_prints_the_docs_page,
        conventions::closed_and_full_outputs_do_not_cause_a_panic,
        conventions::colours_follow_the_environment,
        overview::no_command_prints_an_overview,
        overview::an_unknown_command_suggests_the_nearest,
        overview::bash_completes_only_after_cargo_xtask,
        overview::other_shells_get_a_completion_script,
        data::a_row_survives_down_and_up,
        data::recreate_db_restores_sample_rows_while_the_api_runs,
        data::recreate_db_empty_leaves_no_rows_and_seed_loads_them,
        data::rows_are_not_dropped_without_yes,
        dumps::load_replaces_all_rows,
        dumps::a_killed_load_loses_no_rows,
        dumps::a_drill_verifies_a_backup,
        dumps::a_backup_is_restored_from_a_store,
        copies::a_snapshot_is_restored_while_the_api_runs,
        copies::the_database_follows_the_git_branch,
        crashes::a_killed_api_is_restarted,
        crashes::a_killed_database_recovers_its_rows,
        crashes::up_restarts_a_killed_database,
        ports::up_reports_the_owner_of_a_taken_port_and_uses_another,
        ports::up_strict_reports_the_owner_of_a_taken_port_and_fails,
        ports::up_strict_moves_back_to_the_configured_port,
        ports::up_applies_changed_ports,
        settings::all_invalid_settings_are_reported_at_once,
        settings::a_malformed_line_is_reported,
        settings::a_wrong_database_password_is_explained,
        engine_choice::a_requested_but_stopped_docker_is_an_error,
        engine_choice::an_old_compose_is_reported_with_the_required_version,
        engine_choice::a_missing_engine_is_reported_with_install_options,
        browser::pages_work_in_a_browser,
        edits::an_edit_is_served_after_the_next_up,
        edits::no_file_of_another_owner_appears_in_the_checkout,
        reload::an_edit_is_served_without_a_command,
        reload::a_compile_error_is_shown_while_the_last_good_build_serves,
        reload::reload_events_report_every_step,
        reload::unrelated_files_start_no_build,
        reload::a_save_during_a_build_restarts_the_build,
        reload::no_request_fails_during_reloads_and_failed_builds,
        reload::a_crashed_server_is_restarted_and_the_reason_is_logged,
        reload::a_changed_setting_is_reported_and_the_next_up_applies_it,
        reload::a_new_migration_is_applied_before_the_new_server_starts,
        schema::a_migration_is_written_applied_and_undone,
        broken_source::a_compile_error_keeps_the_old_api_running,
        broken_source::a_failed_migration_keeps_the_old_api_running,
        broken_source::a_killed_compiler_is_not_blamed_on_the_source,
        ports::up_uses_another_port_if_its_port_is_taken_during_the_build,
        concurrent_checkouts::a_second_up_waits_for_the_first,
        interrupts::the_next_up_completes_an_interrupted_up,
    ];
    let on_one: &[_] = match engine {
        Engine::Docker => &named![
            containers::an_unreadable_source_is_explained,
            containers::plain_compose_starts_the_stack_without_settings,
        ],
        // These scenarios start a second stack. This is quick only on the local engine, where it reuses the build.
        Engine::Local => &named![
            crashes::up_does_not_kill_an_unrelated_process_with_a_recorded_pid,
            documented::commands_in_the_docs_work,
            pictures::pictures_show_the_current_product,
            engine_choice::the_local_engine_is_used_if_docker_is_unusable,
            no_engine::up_fetches_postgresql_once_for_all_checkouts,
            no_engine::a_file_with_another_checksum_is_refused,
            external::up_serves_a_database_of_another_server,
            settings::both_engines_read_the_same_values,
            concurrent_checkouts::two_checkouts_share_nothing,
            upgrades::an_upgrade_keeps_every_row_and_can_be_undone,
            schema::migrations_that_block_or_break_the_last_release_are_found,
            own_project::init_creates_a_renamed_project_with_one_commit,
            own_project::init_rejects_a_folder_of_another_repository,
            generated::generated_resources_pass_all_checks_in_a_renamed_project,
        ],
    };
    let last = named![
        production::production_disables_development_features_and_keeps_rows,
        data::down_with_volumes_leaves_nothing,
    ];
    [&on_both, on_one, &of_doctor(engine), &last].concat()
}

fn of_doctor(engine: Engine) -> Vec<(&'static str, Scenario)> {
    let on_both = named![
        doctor::doctor_reports_nothing_for_a_running_stack,
        doctor::doctor_prints_diagnostics_and_the_next_command,
        doctor::up_runs_quick_checks_and_suggests_doctor_after_a_failure,
        doctor::env_file::a_missing_env_is_created,
        doctor::env_file::an_env_with_windows_encoding_or_line_ends_is_fixed,
        doctor::env_file::repeated_misspelt_and_missing_variables_are_fixed,
        doctor::env_file::a_world_readable_env_is_fixed,
        doctor::env_file::a_tracked_env_is_removed_from_git_only,
        doctor::env_file::invalid_values_are_reported_without_passwords,
        doctor::env_file::the_default_password_is_replaced,
        doctor::files::windows_line_ends_are_replaced,
        doctor::files::scripts_become_executable_again,
        doctor::files::files_of_another_user_are_reported_and_fixed_by_root,
        doctor::files::an_unreadable_source_is_fixed,
        doctor::files::an_unreadable_state_file_is_moved_away,
        doctor::files::wrong_migration_numbers_are_reported,
        doctor::files::doctor_works_without_git_and_creates_no_files,
        doctor::machine::a_low_limit_for_watched_files_is_raised,
        doctor::machine::low_disk_memory_and_open_files_are_reported,
        doctor::machine::an_old_rust_is_updated_with_rustup,
        doctor::machine::a_taken_port_is_reported_with_its_owner_and_replaced,
        doctor::machine::a_missing_postgresql_is_reported,
        doctor::docker::docker_problems_are_reported,
        doctor::docker::docker_problems_are_ignored_on_the_local_engine,
        doctor::docker::a_stopped_engine_and_missing_permission_are_distinguished,
        doctor::stack::a_wrong_database_password_is_fixed_without_losing_rows,
        doctor::stack::the_default_password_is_replaced_in_the_database,
        doctor::stack::a_missing_database_is_created,
        doctor::stack::a_newer_or_diverged_schema_is_reported,
        doctor::stack::an_old_schema_is_migrated_and_the_log_names_the_required_version,
        doctor::stack::a_stopped_service_is_started,
        doctor::stack::data_of_another_major_version_is_reported,
        doctor::stack::a_changed_engine_is_reported,
        doctor::leftovers::databases_of_a_killed_test_run_are_dropped,
    ];
    let on_one: &[_] = match engine {
        Engine::Docker => &named![
            doctor::docker::an_invalid_docker_context_is_reset,
            doctor::docker::an_unavailable_image_is_reported,
            doctor::stack::an_unknown_database_user_is_reported,
            doctor::stack::a_wrong_container_clock_is_reported,
            doctor::leftovers::containers_of_a_killed_test_run_are_removed,
            doctor::leftovers::orphan_containers_are_removed_and_volumes_kept,
            doctor::leftovers::a_second_checkout_gets_its_own_project_name,
            doctor::leftovers::an_invalid_compose_file_is_reported,
        ],
        Engine::Local => &named![
            doctor::stack::a_stale_pid_file_is_removed_and_the_server_started,
            doctor::stack::an_unreachable_database_is_reported,
        ],
    };
    [&on_both, on_one].concat()
}
