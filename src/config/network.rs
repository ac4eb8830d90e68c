//! Addresses as the configuration writes them: one, or a network as `10.0.0.0/8`.

use std::{net::IpAddr, str::FromStr};

/// Addresses that begin with the same bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    first: IpAddr,
    bits: u32,
}

impl FromStr for Network {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
        let first: IpAddr = address.parse().map_err(|_| ())?;
        let most = if first.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(most), str::parse).map_err(|_| ())?;
        (bits <= most).then_some(Self { first, bits }).ok_or(())
    }
}

impl Network {
    /// Whether the address is one of these.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let differs = match (self.first, address.to_canonical()) {
            (IpAddr::V4(a), IpAddr::V4(b)) => {
                u128::from((a.to_bits() ^ b.to_bits()).checked_shr(32 - self.bits).unwrap_or(0))
            }
            (IpAddr::V6(a), IpAddr::V6(b)) => {
                (a.to_bits() ^ b.to_bits()).checked_shr(128 - self.bits).unwrap_or(0)
            }
            _ => return false,
        };
        differs == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_contain_what_begins_alike() {
        for (network, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.1"),
            ("192.0.2.7", "192.0.2.7", "192.0.2.6"),
            ("192.0.2.7", "::ffff:192.0.2.7", "::7"),
            ("0.0.0.0/0", "255.1.2.3", "::1"),
            ("2001:db8::/32", "2001:db8:1::1", "2001:db9::"),
            ("::1", "::1", "::2"),
        ] {
            let known: Network = network.parse().unwrap();
            assert!(known.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!known.contains(outside.parse().unwrap()), "{network} {outside}");
        }
        for odd in ["", "proxy", "10.0.0.0/33", "10.0.0.0/x", "::/129", "10.0.0.0/8/8"] {
            assert!(odd.parse::<Network>().is_err(), "{odd}");
        }
    }
}
