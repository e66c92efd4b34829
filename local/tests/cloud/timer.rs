use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use contact_bridge_local::cloud::timer::Timer;

use crate::{START, clock};

#[tokio::test]
async fn schedules_fire_in_order_and_once_after_a_long_jump() {
    let clock = clock();
    let timer = Timer::new(&clock);
    let fired = Arc::new(Mutex::new(Vec::new()));
    for (name, seconds) in [("minute", 60), ("half", 30)] {
        let fired = Arc::clone(&fired);
        timer.add(name, Duration::from_secs(seconds), move |at| {
            fired.lock().unwrap().push((name, (at - START) / 1_000));
            async {}
        });
    }
    assert_eq!((timer.fire_due().await, timer.next_due()), (0, Some(START + 30_000)));
    clock.advance(Duration::from_mins(1));
    assert_eq!(timer.fire_due().await, 2);
    clock.advance(Duration::from_hours(1));
    assert_eq!(timer.fire_due().await, 2);
    assert_eq!(*fired.lock().unwrap(), [("half", 30), ("minute", 60), ("half", 90), ("minute", 120)]);
    assert_eq!(timer.next_due(), Some(START + 60_000 + 3_600_000 + 30_000));
    timer.remove("half");
    assert_eq!(timer.next_due(), Some(START + 60_000 + 3_600_000 + 60_000));
}
