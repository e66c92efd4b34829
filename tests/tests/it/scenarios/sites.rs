//! To come.
use std::time::Instant;
use super::{lab::{Lab,one}, switches::Position};

#[tokio::test]
async fn timing() {
    for position in [Position::defaults(), Position::dynamodb()] {
    for _ in 0..4 {
        let t = Instant::now();
        let lab = Lab::start(&position).await;
        let a = t.elapsed();
        let t = Instant::now();
        let (wix, _) = lab.pair().await;
        let b = t.elapsed();
        let t = Instant::now();
        lab.wix_edit(&wix, one("company", "Mills")).await;
        lab.settle().await;
        println!("{position}: start {a:?} pair {b:?} edit {:?}", t.elapsed());
    }}
    let t = Instant::now();
    let _c = reqwest::Client::builder().no_proxy().build().unwrap();
    println!("client {:?}", t.elapsed());
}
