//! The beginning of an archive that `pg_dump --format=custom` wrote: which versions made it.
//!
//! The layout is that of PostgreSQL's `pg_backup_archiver.c`, since archive version 1.14 (PostgreSQL 12).

use crate::versions::Versions;

/// What every archive begins with.
pub(crate) const MAGIC: &[u8] = b"PGDMP";

/// The versions in the header of an archive; none if it is cut off or of an unknown layout.
pub(crate) fn versions(header: &[u8]) -> Option<Versions> {
    let mut reader = Reader(header.strip_prefix(MAGIC)?);
    let (major, minor, _revision) = (reader.byte()?, reader.byte()?, reader.byte()?);
    let (int_size, _offset_size, _format) = (reader.byte()?, reader.byte()?, reader.byte()?);
    // How it is compressed: a byte since 1.15, a number before.
    if (major, minor) >= (1, 15) {
        reader.byte()?;
    } else {
        reader.int(int_size)?;
    }
    // When it was made: seconds, minutes, hours, day, month, year, summer time.
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

    /// A sign, then the bytes from the lowest to the highest.
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
