//! Structured logs: one JSON object a line. What is logged are ids, counts and kinds, never a contact's value or a secret.

use tracing::Subscriber;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::TryInitError};

use crate::config::Variables;

/// Which crates `LOG_LEVEL` applies to. Below `info`, libraries may log the requests they send, bodies included.
const OWN: [&str; 7] =
    ["contact_bridge", "contact_bridge_local", "contact_sync", "form_upsert", "inbox_relay", "scheduled_export", "webhook_intake"];

/// Starts logging to standard output for the whole process, where Lambda collects it.
///
/// `RUST_LOG` sets the filter; without it, `LOG_LEVEL` sets the level of the bridge's own crates and everything else logs from `warn` up.
pub fn start() -> Result<(), TryInitError> {
    use tracing_subscriber::util::SubscriberInitExt;

    subscriber(filter(&Variables::of_process()), std::io::stdout).try_init()
}

/// Makes a subscriber that writes JSON lines to `writer`.
pub fn subscriber<W>(filter: EnvFilter, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    tracing_subscriber::fmt().json().flatten_event(true).with_span_list(false).with_env_filter(filter).with_writer(writer).finish()
}

/// Returns the filter that variables ask for.
#[must_use]
pub fn filter(variables: &Variables) -> EnvFilter {
    let level = variables.optional("LOG_LEVEL").unwrap_or("info");
    let ours = || OWN.map(|name| format!("{name}={level}")).join(",");
    let directives = variables.optional("RUST_LOG").map_or_else(|| format!("warn,{}", ours()), str::to_owned);
    EnvFilter::builder().parse_lossy(directives)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::fmt::writer::MutexGuardWriter;

    use super::*;

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl<'a> MakeWriter<'a> for Lines {
        type Writer = MutexGuardWriter<'a, Vec<u8>>;

        fn make_writer(&'a self) -> Self::Writer {
            self.0.make_writer()
        }
    }

    fn logged(variables: &[(&str, &str)], log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let filter = filter(&variables.iter().copied().collect());
        tracing::subscriber::with_default(subscriber(filter, lines.clone()), log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn a_line_is_a_json_object_with_its_fields_on_top() {
        let text = logged(&[], || tracing::info!(site = "s1", events = 2, "Published events."));
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&line["site"], &line["events"], &line["level"]), (&"s1".into(), &2.into(), &"INFO".into()));
        assert_eq!(line["message"], "Published events.");
    }

    #[test]
    fn the_level_is_that_of_our_own_crates() {
        let log = || {
            tracing::debug!("ours");
            tracing::debug!(target: "hyper", "theirs");
            tracing::info!(target: "webhook_intake", "edge");
        };
        assert!(!logged(&[], log).contains("ours"));
        let debug = logged(&[("LOG_LEVEL", "debug")], log);
        assert!(debug.contains("ours") && debug.contains("edge") && !debug.contains("theirs"));
        assert!(logged(&[("RUST_LOG", "hyper=debug"), ("LOG_LEVEL", "error")], log).contains("theirs"));
    }
}
