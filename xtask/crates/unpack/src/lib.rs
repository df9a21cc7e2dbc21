//! Decompresses files. The task runner compiles this crate on demand, because compiling the decoders is slow.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use anyhow::{Context, anyhow};
use flate2::bufread::MultiGzDecoder;
use ruzstd::decoding::StreamingDecoder;

/// Returns the content of a file compressed with gzip or zstd.
///
/// # Errors
/// Fails if the file cannot be read or is in another format.
pub fn read(path: &Path) -> anyhow::Result<Box<dyn Read + Send>> {
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    let mut file = BufReader::with_capacity(1 << 17, file);
    Ok(if file.fill_buf()?.starts_with(&[0x1f, 0x8b]) {
        Box::new(MultiGzDecoder::new(file))
    } else {
        let decoder = StreamingDecoder::new(file);
        Box::new(decoder.map_err(|error| anyhow!("cannot decompress {}: {error}", path.display()))?)
    })
}
