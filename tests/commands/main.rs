//! End-to-end tests of the commands, as people type them: `COMMANDS_ENGINE=local cargo test -p commands`.
//!
//! They run one after the other. Most of them share one stack ([`harness::Stack`]), which every one
//! finds up and healthy, so any of them can be run alone: put words of its name after `--`.

mod broken_source;
mod browser;
mod containers;
mod copies;
mod crashes;
mod data;
mod doctor;
mod dumps;
mod edits;
mod engine_choice;
mod first_up;
mod generated;
mod harness;
mod interrupts;
mod neighbours;
mod overview;
mod own_project;
mod ports;
mod production;
mod proxy;
mod reload;
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

/// Scenarios with their names.
macro_rules! named {
    ($($scenario:path),* $(,)?) => { [$((stringify!($scenario), $scenario as Scenario)),*] };
}

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads = Some(1);
    let engine = Engine::asked_for();
    interrupt::watch();
    // Its failure, reported like any panic, must not hide behind those of the scenarios.
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
    // The last owner: takes everything down.
    drop(stack);
    conclusion.exit_code()
}

/// In their order: what costs a long build, or removes the caches, comes last.
fn scenarios(engine: Engine) -> Vec<(&'static str, Scenario)> {
    let on_both = named![
        first_up::the_first_up_makes_the_whole_stack_and_says_where_it_is,
        first_up::up_as_the_readme_has_it_changes_nothing_the_second_time,
        tools::status_tells_everything_as_json,
        tools::status_shows_the_same_to_people,
        tools::where_nothing_is_up_the_commands_say_so,
        tools::exec_hands_output_and_exit_code_on,
        tools::psql_takes_arguments_and_reads_a_pipe,
        tools::logs_show_a_request_and_follow_the_next,
        tools::restart_starts_anew_what_it_was_asked_to,
        tools::migrate_shows_and_applies_migrations,
        overview::without_a_command_there_is_an_overview,
        overview::a_command_that_is_not_there_suggests_the_nearest,
        overview::bash_completes_after_cargo_xtask_and_leaves_the_rest_of_cargo_alone,
        overview::the_other_shells_get_a_script_that_completes_cargo_too,
        data::a_row_survives_down_and_up,
        data::recreate_db_brings_the_sample_rows_back_while_the_api_goes_on,
        data::recreate_db_can_leave_the_rows_out_and_seed_loads_them,
        data::nothing_drops_rows_without_a_yes,
        dumps::a_dump_is_loaded_and_what_came_after_it_is_gone,
        dumps::a_load_that_is_killed_loses_nothing,
        dumps::a_backup_is_proved_by_a_drill,
        copies::a_snapshot_comes_back_while_the_api_goes_on,
        copies::the_database_follows_the_git_branch,
        crashes::a_killed_api_is_back,
        crashes::a_killed_database_is_back_with_its_rows,
        crashes::up_heals_a_stack_whose_database_was_killed,
        ports::a_taken_port_is_left_to_its_owner_who_is_named,
        ports::a_strict_up_names_who_has_the_port_and_starts_nothing,
        ports::a_strict_up_does_not_stay_on_another_port,
        ports::other_ports_in_the_settings_are_used_by_the_next_up,
        settings::wrong_settings_are_all_named_at_once,
        settings::a_malformed_line_is_pointed_out,
        settings::another_password_than_the_databases_is_explained,
        engine_choice::a_docker_that_was_asked_for_and_is_dead_is_an_error,
        engine_choice::an_old_compose_is_named_with_what_is_needed,
        engine_choice::a_machine_with_no_engine_is_told_the_ways_to_one,
        browser::the_pages_work_in_a_browser,
        edits::an_edit_is_served_after_the_next_up,
        edits::no_file_of_another_owner_appears_in_the_checkout,
        reload::an_edit_is_served_without_a_command,
        reload::a_mistake_is_shown_in_the_log_and_on_the_page_while_the_last_good_build_serves,
        reload::the_page_is_told_of_every_step,
        reload::what_no_program_is_made_from_starts_no_build,
        reload::a_save_during_a_build_ends_it_and_the_newest_is_served,
        reload::no_request_fails_while_servers_and_mistakes_come_and_go,
        reload::a_server_that_crashes_is_started_again_and_the_reason_is_shown,
        reload::a_changed_setting_is_named_and_the_next_up_takes_it,
        reload::a_new_migration_is_applied_before_the_new_server_starts,
        schema::a_migration_is_written_applied_and_undone,
        broken_source::a_source_that_does_not_compile_leaves_the_old_api_running,
        broken_source::a_migration_that_fails_is_named_and_leaves_the_old_api_running,
        broken_source::a_killed_compiler_is_not_blamed_on_the_source,
        ports::a_port_that_is_taken_while_up_is_at_work_is_left_to_its_owner,
        neighbours::a_second_up_waits_for_the_first,
        interrupts::an_up_that_was_interrupted_is_completed_by_the_next,
    ];
    let on_one: &[_] = match engine {
        Engine::Docker => &named![
            containers::a_source_that_containers_may_not_read_is_explained,
            containers::plain_compose_starts_the_same_stack_without_any_settings,
        ],
        // A second stack is quick here: it shares what the first has compiled.
        Engine::Local => &named![
            crashes::up_leaves_a_foreign_process_with_a_remembered_number_alone,
            engine_choice::where_docker_is_of_no_use_the_local_engine_is_taken,
            neighbours::two_checkouts_share_nothing,
            upgrades::an_upgrade_keeps_every_row_and_the_way_back,
            schema::what_would_hold_up_or_break_the_last_release_is_found,
            own_project::init_leaves_one_commit_under_another_name,
            own_project::init_leaves_the_repository_around_it_alone,
            generated::generated_resources_pass_every_check_of_a_renamed_project,
        ],
    };
    let last = named![
        production::production_has_no_developer_comforts_and_drops_nothing,
        data::down_with_volumes_leaves_nothing,
    ];
    [&on_both, on_one, &of_doctor(engine), &last].concat()
}

fn of_doctor(engine: Engine) -> Vec<(&'static str, Scenario)> {
    let on_both = named![
        doctor::nothing_is_wrong_with_a_stack_that_is_up,
        doctor::people_are_told_what_is_wrong_and_the_next_command,
        doctor::up_makes_the_quick_checks_and_points_here_when_it_fails,
        doctor::env_file::an_env_that_is_missing_is_made,
        doctor::env_file::an_env_that_windows_wrote_is_made_plain,
        doctor::env_file::lines_of_env_that_do_nothing_are_named_and_mended,
        doctor::env_file::an_env_that_others_can_read_is_closed,
        doctor::env_file::an_env_in_git_is_taken_out_and_stays_here,
        doctor::env_file::values_that_cannot_be_are_named_without_passwords,
        doctor::env_file::the_password_that_everybody_knows_is_replaced,
        doctor::files::line_ends_of_windows_are_replaced,
        doctor::files::scripts_that_cannot_be_run_can_be_again,
        doctor::files::files_of_another_user_are_named_and_given_back_by_root,
        doctor::files::a_source_that_containers_may_not_read_is_opened,
        doctor::files::a_state_that_cannot_be_read_is_set_aside,
        doctor::files::migrations_with_one_number_are_named,
        doctor::files::it_looks_without_git_and_without_leaving_anything,
        doctor::machine::a_low_limit_of_watched_files_is_raised,
        doctor::machine::little_disk_memory_and_open_files_are_named,
        doctor::machine::an_old_rust_is_replaced_by_rustup,
        doctor::machine::a_taken_port_is_named_with_its_owner_and_another_one_set,
        doctor::machine::a_postgresql_that_is_needed_and_missing_is_named,
        doctor::docker::whatever_is_wrong_with_docker_is_named,
        doctor::docker::a_docker_that_is_not_needed_is_no_trouble,
        doctor::docker::a_socket_that_nobody_listens_on_is_not_one_that_we_may_not_use,
        doctor::stack::another_password_than_the_databases_is_mended_without_losing_a_row,
        doctor::stack::the_password_that_everybody_knows_is_replaced_in_the_database_too,
        doctor::stack::a_database_that_is_missing_is_made,
        doctor::stack::a_schema_ahead_of_the_files_or_unlike_them_is_named,
        doctor::stack::a_schema_behind_is_brought_up_and_the_log_says_who_waits_for_it,
        doctor::stack::a_service_that_has_stopped_is_started,
        doctor::stack::the_data_of_another_major_version_is_named,
        doctor::stack::an_engine_that_was_changed_meanwhile_is_named,
        doctor::leftovers::databases_of_a_killed_test_run_are_dropped,
    ];
    let on_one: &[_] = match engine {
        Engine::Docker => &named![
            doctor::docker::a_context_that_leads_nowhere_is_put_back,
            doctor::docker::an_image_that_cannot_be_had_is_named,
            doctor::stack::a_user_that_the_database_does_not_know_is_named,
            doctor::stack::a_clock_of_the_containers_that_is_off_is_named,
            doctor::leftovers::containers_of_a_killed_test_run_are_removed,
            doctor::leftovers::containers_of_no_service_are_removed_and_volumes_left_alone,
            doctor::leftovers::a_second_checkout_on_one_project_name_gets_its_own,
            doctor::leftovers::a_compose_file_that_cannot_be_read_is_named,
        ],
        Engine::Local => {
            &named![doctor::stack::what_a_killed_server_left_is_removed_and_the_server_started,]
        }
    };
    [&on_both, on_one].concat()
}
