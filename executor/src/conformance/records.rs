//! Conformance of the record seam: what every [`RecordStore`](crate::records::RecordStore) does, whatever
//! database it stands on.
//!
//! Each scenario is a plain function over an empty store and ends with an audit: sequences without gaps, and
//! ledger, balances and executions that agree to the last nano.
//! [`record_scenarios!`](crate::record_scenarios) lists them all, so a suite for another database cannot
//! forget one.

pub mod answers;
mod audit;
pub mod budgets;
pub mod cancel;
pub mod deleting;
mod driver;
pub mod fences;
pub mod fingerprints;
pub mod follow_ups;
pub mod life;
pub mod lists;
pub mod money;
pub mod orders;
pub mod ownership;
pub mod pace;
pub mod parking;
pub mod refunds;
pub mod rejections;
pub mod resolution;
pub mod retention;
pub mod reviewing;
pub mod salvage;
pub mod sessions;
pub mod transitions;
pub mod units;
pub mod unparking;

pub use driver::Subject;

/// Hands the path of every scenario to a macro, as `name: path,` pairs.
#[macro_export]
macro_rules! record_scenarios {
    ($with:ident) => {
        $with! {
            life: an_image_is_drawn_and_its_history_is_exact,
            life: a_second_image_and_an_asynchronous_call,
            life: a_record_of_an_image_comes_back_whole,
            life: receipts_are_evidence_even_from_strangers,
            life: a_standing_is_that_of_the_execution_and_of_its_client_alone,
            answers: what_an_answer_says_is_kept_with_its_attempt_and_its_image,
            answers: what_was_used_is_kept_without_a_picture,
            answers: a_reused_picture_says_how_it_was_drawn,
            answers: texts_of_a_provider_are_kept_whatever_their_characters,
            orders: a_request_id_stands_for_one_order,
            orders: a_running_execution_is_joined,
            orders: a_higher_take_runs_beside_the_first,
            orders: resume_needs_an_execution_that_ended,
            orders: a_plan_is_stored_once_and_kept_while_it_runs,
            ownership: an_execution_has_one_owner_at_a_time,
            ownership: a_lost_owner_is_counted_and_its_work_goes_on,
            ownership: a_released_execution_is_free_at_once,
            ownership: the_oldest_execution_is_claimed_first,
            ownership: named_executions_are_claimed_by_the_same_rules,
            ownership: a_call_needs_a_lease_that_outlasts_it,
            ownership: a_call_that_is_sent_again_has_its_own_last_moment,
            ownership: crashes_are_counted_since_the_last_step_that_ended,
            pace: turns_are_shared_and_given_in_order,
            pace: turns_end_with_their_lease,
            pace: calls_of_a_minute_are_counted,
            pace: a_call_in_progress_counts_at_once,
            pace: a_pause_is_for_everybody,
            pace: a_breaker_opens_tries_and_closes,
            pace: a_wait_is_told_until_the_next_attempt,
            parking: a_parked_execution_is_looked_at_when_its_time_has_come,
            parking: a_look_at_a_parked_execution_tells_nothing,
            parking: a_parked_execution_goes_on_when_something_is_found,
            parking: a_picture_completes_a_step_that_is_parked_still,
            parking: a_picture_of_a_decided_attempt_completes_nothing,
            parking: a_parked_execution_with_a_step_to_draw_is_not_settled,
            parking: evidence_wakes_a_parked_execution,
            parking: evidence_that_comes_during_a_look_is_looked_at_next,
            parking: a_picture_that_is_unknown_no_longer_wakes_those_who_wait_for_it,
            parking: parked_and_running_executions_share_the_places,
            parking: an_execution_that_cannot_be_run_is_parked_with_its_reason,
            parking: a_poisoned_execution_is_left_alone_until_it_is_cancelled,
            salvage: an_answer_that_came_after_the_end_is_booked_once,
            salvage: an_answer_without_a_picture_is_paid_and_frees_the_unit,
            salvage: what_has_not_ended_or_is_known_is_not_stranded,
            salvage: what_is_stranded_is_looked_at_when_its_time_has_come,
            salvage: a_call_that_was_not_billed_is_released_after_the_end,
            salvage: a_refusal_after_the_end_with_an_unknown_bill_is_held,
            salvage: a_stranded_attempt_ends_only_as_it_may,
            fences: a_stranger_changes_nothing,
            fences: after_the_end_nothing_changes,
            transitions: attempts_change_only_as_the_states_allow,
            transitions: steps_change_only_as_the_states_allow,
            transitions: repetitions_change_nothing,
            transitions: an_execution_does_not_end_with_a_call_in_flight,
            money: a_refused_call_gives_its_reservation_back,
            money: an_unknown_outcome_is_held,
            money: an_unknown_outcome_that_turns_up_is_paid_once,
            money: an_unknown_outcome_that_was_refused_is_released,
            money: an_unknown_outcome_that_was_never_sent_is_released,
            money: an_unknown_outcome_that_is_written_off_is_paid_and_audited,
            money: an_unknown_outcome_that_turns_out_accepted_is_reserved_again,
            money: a_refusal_with_an_unknown_bill_is_held,
            money: a_bill_without_an_image_is_settled,
            money: a_bill_may_be_above_its_ceiling,
            money: the_cost_limit_counts_what_is_reserved_and_held,
            money: a_free_call_has_a_line_and_no_amounts,
            money: amounts_never_wrap,
            budgets: a_limit_may_be_reached_and_not_passed,
            budgets: an_overrun_is_booked_and_blocks_what_follows,
            budgets: what_is_held_counts_against_the_limit,
            budgets: a_period_ends_and_the_budget_is_whole_again,
            budgets: a_session_has_a_budget_of_its_own,
            budgets: an_order_that_cannot_be_paid_is_refused,
            budgets: a_change_of_a_budget_is_told_once,
            budgets: budgets_are_listed_in_order,
            budgets: usage_is_summed_up_by_model,
            units: a_picture_is_drawn_once_for_two_plans,
            units: two_steps_of_one_plan_share_a_picture,
            units: a_completed_fallback_goes_before_a_busy_primary,
            units: a_step_that_goes_on_lets_its_unit_go,
            units: a_step_that_reuses_lets_its_unit_go,
            units: a_reuse_stands_on_what_is_stored,
            units: a_step_that_ends_lets_its_unit_go,
            units: an_unknown_attempt_keeps_its_unit_after_the_end,
            units: a_unit_survives_a_takeover,
            units: units_of_clients_and_takes_are_apart,
            rejections: a_rejected_picture_is_kept_and_its_step_goes_on,
            rejections: a_rejection_is_said_once,
            rejections: the_best_of_the_rejected_completes_its_step,
            rejections: a_step_takes_only_what_it_drew_and_rejected,
            rejections: a_rejected_picture_may_be_reused,
            cancel: a_pending_execution_is_cancelled,
            cancel: nothing_is_prepared_or_sent_after_a_cancel,
            cancel: a_paid_image_is_kept_after_a_cancel,
            cancel: a_parked_execution_is_cancelled,
            cancel: a_cancel_after_the_end_changes_nothing,
            cancel: a_failed_step_fails_the_execution_and_keeps_the_images,
            resolution: only_open_questions_are_decided,
            resolution: a_lost_call_that_was_not_billed_is_drawn_again,
            resolution: a_lost_call_that_was_billed_is_settled,
            resolution: a_bill_of_a_refusal_is_decided,
            resolution: after_the_end_only_money_and_units_move,
            follow_ups: what_waits_for_the_picture_is_looked_at_again,
            follow_ups: a_running_execution_keeps_its_owner,
            follow_ups: parked_steps_are_decided_one_by_one,
            follow_ups: an_owner_that_parks_too_late_changes_nothing,
            follow_ups: a_cancel_goes_before_a_retry,
            resolution: strangers_decide_nothing,
            refunds: a_write_off_that_was_not_billed_is_paid_back,
            unparking: only_what_is_stuck_is_unparked,
            unparking: what_its_owners_died_of_runs_again,
            deleting: an_image_goes_in_two_steps,
            deleting: a_picture_stays_while_an_image_stands_on_it,
            reviewing: a_review_is_of_all_images_or_of_none,
            reviewing: what_was_said_is_a_condition_of_lists,
            reviewing: an_edit_is_made_once_and_never_over_another,
            sessions: a_session_is_summed_up_from_what_has_its_id,
            sessions: a_retry_leaves_no_failed_step_behind,
            sessions: sessions_come_newest_activity_first_page_by_page,
            lists: pages_stay_stable_while_executions_are_added,
            lists: executions_are_filtered,
            lists: plans_are_filtered_and_paged,
            lists: images_are_filtered_and_paged,
            lists: events_are_read_from_a_cursor,
            fingerprints: look_alikes_are_found_near_and_nowhere_else,
            fingerprints: a_client_sees_its_own_images_alone,
            fingerprints: what_has_no_fingerprint_gets_one,
            retention: histories_go_and_pictures_stay,
            retention: an_order_is_forgotten_with_its_execution,
            retention: what_is_open_or_held_is_never_removed,
            retention: a_call_removes_a_bounded_part,
            retention: what_is_kept_for_ever_stays,
            retention: a_resumed_execution_outlives_the_one_before,
        }
    };
}
