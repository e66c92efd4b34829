//! A function's real binary as a process, fed by a [`RuntimeApi`].

use std::{
    path::Path,
    process::Stdio,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncBufReadExt, AsyncRead, BufReader},
    process::{Child, Command},
};

use super::{
    REGION,
    background::{Background, lock},
    function::FunctionError,
    runtime_api::RuntimeApi,
};

/// A running function; it is killed when this is dropped.
pub struct Process {
    id: Option<u32>,
    logs: Arc<Mutex<Vec<String>>>,
    _tasks: Background,
}

impl Process {
    /// Starts `binary` with the environment Lambda gives a function plus `env`, and nothing else of this process's but `PATH`.
    ///
    /// When the process ends, the invocations it owed an answer fail. One API should feed one process.
    ///
    /// # Errors
    /// If the binary cannot be started.
    pub fn spawn<K, V>(binary: &Path, api: &RuntimeApi, env: impl IntoIterator<Item = (K, V)>) -> std::io::Result<Self>
    where
        K: AsRef<std::ffi::OsStr>,
        V: AsRef<std::ffi::OsStr>,
    {
        let mut child = Command::new(binary)
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .envs(lambda_environment(api))
            .envs(env)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let id = child.id();
        let logs = Arc::new(Mutex::new(Vec::new()));
        let out = child.stdout.take().map(|out| collect(out, &logs));
        let err = child.stderr.take().map(|err| collect(err, &logs));
        let watch = watch(child, api.clone());
        Ok(Self { id, logs, _tasks: Background::all(out.into_iter().chain(err).chain([watch])) })
    }

    /// The operating system's id of the process.
    #[must_use]
    pub const fn id(&self) -> Option<u32> {
        self.id
    }

    /// Every line the process has written so far.
    #[must_use]
    pub fn logs(&self) -> Vec<String> {
        lock(&self.logs).clone()
    }
}

/// The variables of <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html> that a Rust runtime and the SDKs read.
fn lambda_environment(api: &RuntimeApi) -> Vec<(&'static str, String)> {
    let name = api.function_name();
    vec![
        ("AWS_LAMBDA_RUNTIME_API", api.address().to_string()),
        ("AWS_LAMBDA_FUNCTION_NAME", name.to_owned()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", format!("/aws/lambda/{name}")),
        ("AWS_LAMBDA_LOG_STREAM_NAME", "local".to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", "local".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
        ("TZ", ":UTC".to_owned()),
        ("_HANDLER", "bootstrap".to_owned()),
    ]
}

fn collect(from: impl AsyncRead + Send + Unpin + 'static, logs: &Arc<Mutex<Vec<String>>>) -> Background {
    let logs = Arc::clone(logs);
    Background::spawn(async move {
        let mut lines = BufReader::new(from).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            lock(&logs).push(line);
        }
    })
}

fn watch(mut child: Child, api: RuntimeApi) -> Background {
    Background::spawn(async move {
        let ended = match child.wait().await {
            Ok(status) => status.to_string(),
            Err(error) => error.to_string(),
        };
        tracing::warn!(function = api.function_name(), %ended, "A function's process ended.");
        api.fail(&FunctionError::new("Runtime.ExitError", format!("Runtime exited with error: {ended}")));
    })
}
