//! Texts of a profile which have a meaning of their own: AS numbers, prefixes with their operator, host names, addresses, status codes.
//!
//! Takes text; gives the value, or a [`Complaint`] which says what to write instead. Knows nothing of places.

use crate::org::PrefixLengths;
use crate::vantage::Asn;
use ipnet::IpNet;
use std::net::IpAddr;

/// What is wrong with a text, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) help: String,
}

pub(super) fn complain<T>(message: impl Into<String>, help: impl Into<String>) -> Result<T, Complaint> {
    Err(Complaint { message: message.into(), help: help.into() })
}

/// `32934`, `AS32934` or asdot `1.10` (RFC 5396). Numbers which can originate nothing are refused: 0 (RFC 7607), AS_TRANS 23456
/// (RFC 6793 §9), 65535 and 4294967295 (RFC 7300).
pub(super) fn as_number(text: &str) -> Result<Asn, Complaint> {
    let digits = text.trim();
    let digits = digits.strip_prefix("AS").or_else(|| digits.strip_prefix("as")).unwrap_or(digits);
    let number = match digits.split_once('.') {
        Some((high, low)) => match (high.parse::<u16>(), low.parse::<u16>()) {
            (Ok(high), Ok(low)) => Some(u32::from(high) << 16 | u32::from(low)),
            _ => None,
        },
        None => digits.parse::<u32>().ok(),
    };
    let help = "write 32934, \"AS32934\" or \"1.10\" (asdot, in quotes)";
    match number {
        None => complain(format!("`{text}` is not an AS number"), help),
        Some(reserved @ (0 | 23_456 | 65_535 | u32::MAX)) => {
            complain(format!("AS{reserved} is reserved and can originate nothing"), "write the AS number which BGP shows")
        }
        Some(number) => Ok(Asn(number)),
    }
}

/// A prefix without operator.
pub(super) fn prefix(text: &str) -> Result<IpNet, Complaint> {
    let Ok(prefix) = text.trim().parse::<IpNet>() else {
        let example = if text.contains(':') { "2001:db8::/32" } else { "192.0.2.0/24" };
        let help = match text.trim().parse::<IpAddr>() {
            Ok(address) => format!("write its length too: {}", IpNet::from(address)),
            Err(_) => format!("write address and length, such as {example}"),
        };
        return complain(format!("`{text}` is not a prefix"), help);
    };
    if prefix != prefix.trunc() {
        return complain(format!("`{text}` has host bits set"), format!("write {}, or a longer length", prefix.trunc()));
    }
    if prefix.prefix_len() == 0 {
        return complain(format!("`{text}` is the whole Internet"), "write the prefixes of the organization");
    }
    Ok(prefix)
}

/// A prefix with an operator of RFC 2622 §2: none, `^-` (more specifics only), `^+` (itself and more specifics), `^n`, `^n-m`.
pub(super) fn prefix_with_operator(text: &str) -> Result<(IpNet, PrefixLengths), Complaint> {
    let (plain, operator) = match text.trim().split_once('^') {
        Some((plain, operator)) => (plain, Some(operator)),
        None => (text.trim(), None),
    };
    let net = prefix(plain)?;
    let (own, longest) = (net.prefix_len(), net.max_prefix_len());
    let lengths = match operator {
        None => Some((own, own)),
        Some("+") => Some((own, longest)),
        Some("-") => Some((own.saturating_add(1), longest)),
        Some(range) => match range.split_once('-') {
            None => range.parse().ok().map(|n: u8| (n, n)),
            Some((from, to)) => from.parse().ok().zip(to.parse().ok()),
        },
    };
    let Some((shortest, last)) = lengths else {
        return complain(
            format!("`^{}` is not an operator", operator.unwrap_or_default()),
            "write ^+, ^-, ^24 or ^20-24, or nothing",
        );
    };
    if shortest < own || last > longest || shortest > last {
        let help = format!("lengths below {net} go from {own} to {longest}, the shorter first");
        return complain(format!("`{text}` means lengths {shortest} to {last}, which {net} does not have"), help);
    }
    Ok((net, PrefixLengths { shortest, longest: last }))
}

/// A host or zone name: lower case, no final dot; labels of 1 to 63 letters, digits, hyphens and underscores, 253 in all (RFC 1035
/// §2.3.4; underscores as in RFC 8552).
pub(super) fn host_name(text: &str) -> Result<String, Complaint> {
    let name = text.trim();
    let name = name.strip_suffix('.').unwrap_or(name).to_lowercase();
    if let Some((_, rest)) = name.split_once("://") {
        let host = rest.split(['/', ':', '?']).next().unwrap_or_default();
        return complain(format!("`{text}` is a URL"), format!("write the host name alone: \"{host}\""));
    }
    if name.parse::<IpAddr>().is_ok() {
        return complain(format!("`{text}` is an address"), "write a host name here, and addresses under `addresses` or `address`");
    }
    if !name.is_ascii() {
        return complain(format!("`{text}` is not in ASCII"), "write its A-label, which begins with xn-- (RFC 5890)");
    }
    let good =
        |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if name.len() > 253 || !name.split('.').all(good) {
        return complain(
            format!("`{text}` is not a host name"),
            "write labels of letters, digits and hyphens, such as www.example.com",
        );
    }
    Ok(name)
}

/// An IP address.
pub(super) fn address(text: &str) -> Result<IpAddr, Complaint> {
    text.trim().parse().or_else(|_| {
        let help = match text.split_once('/') {
            Some((address, _)) => format!("write the address alone: \"{address}\""),
            None => "write 192.0.2.1 or 2001:db8::1".to_owned(),
        };
        complain(format!("`{text}` is not an IP address"), help)
    })
}

/// A status code or a closed range of them, within 100 to 599 (RFC 9110 §15).
pub(super) fn status_codes(text: &str) -> Result<(u16, u16), Complaint> {
    let range = match text.split_once('-') {
        Some((from, to)) => from.trim().parse().ok().zip(to.trim().parse().ok()),
        None => text.trim().parse().ok().map(|code: u16| (code, code)),
    };
    match range {
        Some((from, to)) if (100..=599).contains(&from) && (from..=599).contains(&to) => Ok((from, to)),
        _ => complain(format!("`{text}` is not a status code"), "write 200 or \"200-299\", within 100 to 599, the smaller first"),
    }
}

/// Any text.
pub(super) fn words(text: &str) -> Result<String, Complaint> {
    Ok(text.trim().to_owned())
}

/// A port which can be connected to.
pub(super) fn port(text: &str) -> Result<u16, Complaint> {
    match text.trim().parse() {
        Ok(port) if port > 0 => Ok(port),
        _ => complain(format!("`{text}` is not a port"), "write a number from 1 to 65535"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_numbers_in_every_notation() {
        for (text, number) in [("32934", 32_934), ("AS32934", 32_934), ("as1", 1), ("1.10", 65_546), ("AS1.10", 65_546)] {
            assert_eq!(as_number(text), Ok(Asn(number)), "{text}");
        }
        for bad in ["", "AS", "-1", "4294967296", "1.65536", "1.2.3", "0", "23456", "65535", "4294967295", "facebook"] {
            assert!(as_number(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn operators_as_rfc_2622_defines_them() {
        for (text, shortest, longest) in [
            ("129.134.0.0/17", 17, 17),
            ("129.134.0.0/17^+", 17, 32),
            ("129.134.0.0/17^-", 18, 32),
            ("129.134.0.0/17^24", 24, 24),
            ("129.134.0.0/17^17-24", 17, 24),
            ("2a03:2880::/32^+", 32, 128),
        ] {
            assert_eq!(prefix_with_operator(text).unwrap().1, PrefixLengths { shortest, longest }, "{text}");
        }
    }

    #[test]
    fn a_bad_prefix_is_told_what_to_write() {
        for (text, says) in [
            ("129.134.30.12/17", "129.134.0.0/17"),
            ("129.134.0.0/17^16", "from 17 to 32"),
            ("129.134.0.0/17^24-20", "the shorter first"),
            ("129.134.0.0/17^33", "from 17 to 32"),
            ("192.0.2.1/32^-", "from 32 to 32"),
            ("129.134.0.0/17^x", "^20-24"),
            ("129.134.0.0", "129.134.0.0/32"),
            ("2a03:2880::", "2a03:2880::/128"),
            ("0.0.0.0/0", "prefixes of the organization"),
            ("::/33x", "2001:db8::/32"),
        ] {
            let complaint = prefix_with_operator(text).unwrap_err();
            assert!(complaint.help.contains(says), "{text}: {complaint:?}");
        }
    }

    #[test]
    fn host_names_are_normalised_or_explained() {
        assert_eq!(host_name("WWW.Example.COM.").unwrap(), "www.example.com");
        assert_eq!(host_name("_dmarc.example.com").unwrap(), "_dmarc.example.com");
        for (text, says) in [
            ("https://www.example.com/login", "\"www.example.com\""),
            ("192.0.2.1", "addresses"),
            ("bücher.example", "xn--"),
            ("a..b", "labels"),
            ("*.example.com", "labels"),
            (".", "labels"),
        ] {
            let complaint = host_name(text).unwrap_err();
            assert!(complaint.help.contains(says), "{text}: {complaint:?}");
        }
    }

    #[test]
    fn status_codes_are_one_or_a_range() {
        assert_eq!(status_codes("200-299").unwrap(), (200, 299));
        assert_eq!(status_codes("301").unwrap(), (301, 301));
        for bad in ["2xx", "299-200", "99", "600", "200-600", ""] {
            assert!(status_codes(bad).is_err(), "{bad}");
        }
    }
}
