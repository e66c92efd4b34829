//! What every CRM must do: each obligation of the ports as the flows rely on it, over the real adapters and the strict simulators alike.
//!
//! Adding a CRM to the suite is one line at the end of this file, and an arm of the bench for each thing people do in it.

mod bench;
mod many;
mod one;
mod trouble;

/// Runs every contract over a CRM.
macro_rules! crm {
    ($name:ident, $crm:expr) => {
        mod $name {
            contracts! { $crm;
                one:
                    what_was_made_is_read_as_it_was_made,
                    who_has_no_name_is_made_all_the_same,
                    what_is_not_there_is_absent,
                    a_patch_changes_what_it_names,
                    a_patch_clears,
                    the_counterpart_is_replaced,
                    a_deleted_record_is_gone,
                    who_is_erased_leaves_nothing_to_read,
                    a_merge_keeps_the_winner,
                    people_are_found_by_their_keys,
                    of_several_the_oldest_comes_first,
                    what_the_bridge_needs_is_made_once,
                    a_field_that_is_not_there_is_named;
                trouble:
                    a_create_whose_reply_was_lost_is_found,
                    a_create_that_was_refused_left_nothing,
                    a_merge_whose_reply_was_lost_may_be_repeated,
                    a_delete_whose_reply_was_lost_may_be_repeated,
                    refusals_have_their_kinds,
                    a_replaced_secret_is_taken_up;
                many:
                    a_snapshot_shows_everybody_once,
                    reading_many_leaves_out_who_is_gone,
                    an_upload_accounts_for_every_row,
                    an_upload_that_nobody_may_make_is_refused_as_a_whole,
                    an_upload_that_meets_a_limit_says_how_far_it_came,
                    a_draft_sent_twice_makes_one_where_the_crm_sees_to_it,
                    many_are_found_by_their_keys,
                    those_that_name_a_contact_are_counted_and_told;
            }
        }
    };
}

/// Makes a test of each contract.
macro_rules! contracts {
    ($crm:expr; $($suite:ident: $($contract:ident),+;)+) => {
        $(mod $suite {
            $(#[tokio::test]
            async fn $contract() -> anyhow::Result<()> {
                use crate::crms::{bench::{Bench, Crm}, $suite};
                $suite::$contract(&Bench::start($crm).await?).await
            })+
        })+
    };
}

crm!(hubspot, Crm::Hubspot);
crm!(pipedrive, Crm::Pipedrive);
