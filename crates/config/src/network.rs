//! Ranges of IP addresses.

use std::{net::IpAddr, str::FromStr};

/// A range of IP addresses, such as `10.0.0.0/8`, or a single address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    /// The number of leading bits that all addresses of the range share.
    prefix: u8,
}

impl Network {
    /// Returns true if the range contains `address`. An IPv4 address may be mapped to IPv6.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address.to_canonical()) {
            (IpAddr::V4(ours), IpAddr::V4(other)) => {
                let rest = 32 - u32::from(self.prefix);
                (ours.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
            }
            (IpAddr::V6(ours), IpAddr::V6(other)) => {
                let rest = 128 - u32::from(self.prefix);
                (ours.to_bits() ^ other.to_bits()).checked_shr(rest).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

impl FromStr for Network {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "expected addresses or ranges such as 10.0.0.0/8,192.168.1.2";
        let (address, prefix) = text.split_once('/').unwrap_or((text, ""));
        let address: IpAddr = address.parse().map_err(|_| WRONG)?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = if prefix.is_empty() { longest } else { prefix.parse().map_err(|_| WRONG)? };
        if prefix > longest {
            return Err(WRONG);
        }
        Ok(Self { address, prefix })
    }
}
