//! Two full sides, aligned for the first time as `cargo benchmark align` does it, with few contacts.

use contact_bridge_local::stack::StoreKind;
use contact_bridge_tests::aligning::{FEWEST, align};

#[tokio::test]
async fn two_full_sides_are_aligned_without_a_duplicate_a_loss_or_a_guess() {
    let report = align(2 * FEWEST, StoreKind::Memory, &|_| ()).await.unwrap();
    assert_eq!(report.complaints(), Vec::<String>::new(), "{:?} {:?}", report.killed, report.recount);
}
