//! A function that does nothing: what `cargo benchmark processes` measures the others against.

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    contact_bridge_local::cloud::bare::run().await.map_err(anyhow::Error::from_boxed)
}
