//! `site put` and `site show`.

use std::{
    fs,
    io::{self, Read, Write},
    path::Path,
    process::ExitCode,
};

use anyhow::{Context, anyhow};
use contact_bridge::model::site::Site;
use contact_bridge_local::owner::Owner;

use crate::{command, serve::environment};

/// Does what is asked, and shows the settings as they are stored then.
pub async fn run(order: command::Site) -> anyhow::Result<ExitCode> {
    let site = match order {
        command::Site::Put { file, table } => {
            let wanted = read(&file)?;
            Owner::open(&environment(), table.store).await?.put(wanted).await?
        }
        command::Site::Show { id, table } => Owner::open(&environment(), table.store).await?.show(&id).await?,
    };
    writeln!(io::stdout().lock(), "{}", serde_json::to_string_pretty(&site)?)?;
    Ok(ExitCode::SUCCESS)
}

/// Reads settings; an error names the field.
fn read(file: &Path) -> anyhow::Result<Site> {
    let text = if file == Path::new("-") {
        let mut text = String::new();
        io::stdin().read_to_string(&mut text)?;
        text
    } else {
        fs::read_to_string(file).with_context(|| format!("{}", file.display()))?
    };
    let mut reader = serde_json::Deserializer::from_str(&text);
    serde_path_to_error::deserialize(&mut reader).map_err(|error| anyhow!("{}: {}", error.path(), error.inner()))
}
