//! The memory use of containers, from `docker stats`.

use std::{collections::HashMap, process::Command, time::Duration};

use crate::process;

/// The timeout of `docker stats`, which measures for two seconds and takes longer on a remote or busy server.
const TIMEOUT: Duration = Duration::from_secs(15);

/// Returns the resident memory in bytes by container id, from the program `docker`. Unknown values are missing.
pub fn by_id<'a>(mut docker: Command, ids: impl Iterator<Item = &'a str>) -> HashMap<String, u64> {
    let ids: Vec<_> = ids.collect();
    if ids.is_empty() {
        return HashMap::new();
    }
    docker
        .args(["stats", "--no-stream", "--no-trunc", "--format", "{{.ID}} {{.MemUsage}}"])
        .args(&ids);
    let Ok(lines) = process::probe(&mut docker, TIMEOUT) else {
        return HashMap::new();
    };
    lines
        .lines()
        .filter_map(|line| {
            let (id, usage) = line.split_once(' ')?;
            // `docker ps` prints only the beginning of an id.
            let id = ids.iter().find(|known| id.starts_with(**known))?;
            Some(((*id).to_owned(), bytes(usage.split_whitespace().next()?)?))
        })
        .collect()
}

/// Parses a size such as `12.5MiB` into bytes.
fn bytes(text: &str) -> Option<u64> {
    let unit = text.find(|letter: char| letter.is_ascii_alphabetic())?;
    let (number, unit) = text.split_at(unit);
    let factor = match unit {
        "B" => 1.0,
        "KiB" => 1024.0,
        "MiB" => 1024.0 * 1024.0,
        "GiB" => 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a size in bytes")]
    Some((number.parse::<f64>().ok()? * factor) as u64)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn bytes_parses_sizes_of_docker_stats() {
        assert_eq!(bytes("12.5MiB"), Some(13_107_200));
        assert_eq!(bytes("920KiB"), Some(942_080));
        assert_eq!(bytes("many"), None);
    }
}
