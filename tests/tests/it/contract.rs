//! What every store must do: each sentence of the ports' docs is a test, run over the table and over its twin in memory.

mod batches;
mod bench;
mod claims;
mod costs;
mod endings;
mod linking;
mod listing;
mod notes;
mod privacy;
mod reservations;
mod runs;
mod sites;
mod submissions;
mod subscribers;

/// Runs each contract over each store.
macro_rules! contracts {
    ($($suite:ident: $($contract:ident),+;)+) => {
        mod memory {
            $(mod $suite {
                $(#[tokio::test]
                async fn $contract() -> anyhow::Result<()> {
                    use crate::contract::{bench, $suite};
                    $suite::$contract(&bench::in_memory()).await
                })+
            })+
        }
        mod dynamodb {
            $(mod $suite {
                $(#[tokio::test]
                async fn $contract() -> anyhow::Result<()> {
                    use crate::contract::{bench, $suite};
                    $suite::$contract(&bench::Table::start().await?.bench()).await
                })+
            })+
        }
    };
}

contracts! {
    claims:
        a_claim_reads_back_as_it_was_stored,
        a_claim_that_is_there_is_not_taken_as_if_it_were_not,
        a_claim_is_replaced_by_whoever_knows_it,
        a_claim_is_given_back_by_whoever_knows_it,
        what_is_done_with_is_never_replaced,
        a_swap_that_was_carried_out_may_be_repeated,
        of_two_who_take_a_claim_one_wins,
        whoever_lines_up_sees_those_ahead,
        a_ticket_replaces_that_of_the_same_place,
        who_did_not_line_up_again_is_not_told,
        whoever_steps_out_is_gone,
        of_those_ahead_the_nearest_hundred_are_told,
        a_post_is_of_the_message_that_came_first,
        of_several_posts_the_known_one_comes_first,
        all_who_line_up_at_once_are_there;
    linking:
        a_record_nobody_knows_is_free,
        a_link_is_found_from_both_sides_as_it_was_stored,
        a_linked_record_is_not_linked_again,
        a_record_reserved_by_another_is_not_linked,
        an_expired_reservation_does_not_keep_from_linking,
        a_refused_link_leaves_nothing_behind,
        of_two_links_on_one_record_one_wins,
        a_save_follows_the_version_that_is_stored,
        what_is_not_linked_is_not_saved,
        a_link_is_not_saved_as_one_between_other_records,
        of_two_saves_of_one_version_one_wins;
    reservations:
        a_reservation_shows,
        a_reserved_record_is_not_reserved_by_another,
        a_linked_record_is_not_reserved,
        a_reserved_key_is_not_reserved_by_another,
        a_refused_reservation_leaves_nothing_behind,
        an_expired_reservation_is_taken_over,
        the_holder_reserves_again,
        more_keys_than_a_transaction_takes_are_reserved,
        of_two_reservations_of_one_record_one_wins,
        of_two_reservations_of_one_person_one_wins,
        a_released_record_is_free_with_its_keys,
        a_release_keeps_the_keys_it_does_not_name,
        what_is_anothers_by_now_is_not_released,
        linking_ends_the_reservation_and_keeps_its_keys;
    endings:
        a_buried_link_leaves_tombstones_that_name_the_counterparts,
        an_erased_link_leaves_tombstones_without_names,
        a_link_that_changed_is_not_buried,
        a_merged_record_takes_the_link_over,
        a_link_can_move_on_both_sides,
        a_link_that_stays_is_replaced,
        a_link_that_changed_is_not_repointed,
        a_link_is_not_repointed_to_a_taken_record,
        a_link_is_repointed_over_an_expired_reservation,
        a_record_without_link_is_entombed,
        a_linked_record_is_not_entombed,
        an_erasure_is_kept,
        an_unclear_erasure_is_kept_until_it_is_clear,
        a_tombstone_shows_although_a_reservation_expired,
        a_tombstone_is_taken_away,
        the_tombstone_of_an_erasure_stays;
    listing:
        links_are_counted_up_to_a_limit,
        reservations_are_not_counted_and_not_listed,
        links_are_listed_a_page_at_a_time,
        a_listing_continues_behind_a_link_that_is_gone,
        an_account_is_known_while_anything_goes_by_its_ids;
    notes:
        deletes_are_counted_up_to_the_limit_of_the_hour,
        deletes_spent_at_once_are_counted_once_each,
        a_note_replaces_the_one_before,
        a_note_is_taken_away,
        a_linked_record_is_noted_with_its_link_alone,
        notes_are_stored_with_every_step_of_a_link,
        what_is_refused_leaves_the_notes_as_they_are,
        a_side_cools_down_until_the_latest_instant,
        a_site_is_known_with_the_latest_cool_down;
    batches:
        what_is_known_of_many_is_what_is_known_of_each,
        notes_show_beside_what_is_not_linked,
        more_than_a_call_takes_are_reserved_linked_and_found,
        each_reservation_stands_alone,
        each_link_stands_alone,
        reservations_are_given_back_each_on_its_own,
        of_two_batches_of_reservations_each_record_goes_to_one,
        a_reserved_record_is_not_entombed,
        a_draft_shows_among_many;
    runs:
        a_run_nobody_ran_is_empty,
        a_lease_has_one_owner_until_it_ends,
        a_site_has_one_runner_whatever_runs,
        waiting_events_are_announced_to_a_runner,
        a_site_is_known_with_the_claim_on_its_budgets,
        a_claim_that_is_left_behind_is_the_next_runners,
        of_two_that_take_a_lease_one_has_it,
        progress_reads_back_as_it_was_kept,
        who_lost_the_lease_keeps_nothing,
        a_pause_reaches_the_runner_and_the_timer,
        orders_survive_what_a_runner_keeps,
        what_is_due_is_found_the_longest_due_first,
        a_due_run_is_postponed_unless_it_moved,
        failed_rows_are_kept_replaced_and_forgiven,
        a_purge_takes_runs_and_failed_rows_away;
    sites:
        a_site_reads_back_as_it_was_saved,
        a_save_of_settings_follows_the_version_that_is_stored,
        of_two_saves_of_the_same_settings_one_wins,
        all_sites_are_listed,
        a_purge_keeps_nothing_but_erasures,
        a_purge_leaves_other_sites_alone,
        sites_do_not_see_each_other;
    submissions:
        a_submission_is_claimed_by_one,
        of_two_claims_at_once_one_wins,
        an_expired_claim_is_taken_over,
        what_is_done_is_told_and_not_claimed,
        what_its_sender_did_not_name_is_new_after_a_while,
        what_was_given_up_is_claimed_again,
        a_claim_that_was_lost_settles_nothing,
        an_address_is_reserved_by_one,
        of_two_reservations_of_an_address_one_wins,
        all_addresses_are_reserved_or_none,
        a_made_contact_is_found_by_its_address_for_a_while,
        an_address_is_given_back_if_nothing_was_made,
        posts_are_counted_within_their_minute,
        posts_counted_at_once_are_counted_once_each,
        submissions_of_other_sites_are_not_seen;
    subscribers:
        what_is_remembered_reads_back_in_the_order_asked,
        what_somebody_else_wrote_meanwhile_is_not_overwritten,
        addresses_of_other_sites_are_not_seen,
        hundreds_are_read_at_once;
}
