//! Reads the versions in the header of an archive that `pg_dump --format=custom` wrote.
//!
//! PostgreSQL's `pg_backup_archiver.c` defines the layout, here since archive version 1.14 (PostgreSQL 12).

use crate::versions::Versions;

/// The first bytes of every archive.
pub(crate) const MAGIC: &[u8] = b"PGDMP";

/// Returns the versions in the header, or `None` if the header is truncated or unknown.
pub(crate) fn versions(header: &[u8]) -> Option<Versions> {
    let mut reader = Reader(header.strip_prefix(MAGIC)?);
    let (major, minor, _revision) = (reader.byte()?, reader.byte()?, reader.byte()?);
    let (int_size, _offset_size, _format) = (reader.byte()?, reader.byte()?, reader.byte()?);
    // The compression method is one byte since version 1.15 of the format, and an integer in older versions.
    if (major, minor) >= (1, 15) {
        reader.byte()?;
    } else {
        reader.int(int_size)?;
    }
    // Skips the creation time: seconds, minutes, hours, day, month, year, daylight saving time.
    for _ in 0..7 {
        reader.int(int_size)?;
    }
    let _database = reader.text(int_size)?;
    Some(Versions { server: reader.text(int_size)?, pg_dump: reader.text(int_size)? })
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// Reads a sign byte and a little-endian integer of `size` bytes.
    fn int(&mut self, size: u8) -> Option<i64> {
        let negative = self.byte()? != 0;
        let mut value = 0_i64;
        for index in 0..u32::from(size) {
            value |= i64::from(self.byte()?).checked_shl(8 * index)?;
        }
        Some(if negative { -value } else { value })
    }

    fn text(&mut self, int_size: u8) -> Option<String> {
        let length = usize::try_from(self.int(int_size)?).ok()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(String::from_utf8_lossy(text).into_owned())
    }
}
