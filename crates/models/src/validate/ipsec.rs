//! Rules of IPsec.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::{FieldProblem, Problems};
use crate::proto::ligato::vpp::ipsec::security_association::IpSecProtocol;
use crate::proto::ligato::vpp::ipsec::{
    CryptoAlg, IntegAlg, SecurityAssociation, SecurityPolicy, SecurityPolicyDatabase, TunnelProtection,
};

// The superseded list is known, so that a value that has it is told what to do.
#[allow(deprecated)]
pub(crate) fn security_policy_database(value: &SecurityPolicyDatabase) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let mut names = BTreeSet::new();
    for (i, interface) in value.interfaces.iter().enumerate() {
        problems.unique_name(&mut names, format!("interfaces[{i}].name"), &interface.name);
    }
    if !value.policy_entries.is_empty() {
        problems
            .add("policy_entries", "is superseded: state each entry as a value of the model vpp.ipsec.sp");
    }
    problems.0
}

pub(crate) fn security_policy(value: &SecurityPolicy) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    for (path, start, stop) in [
        ("remote_addr_stop", &value.remote_addr_start, &value.remote_addr_stop),
        ("local_addr_stop", &value.local_addr_start, &value.local_addr_stop),
    ] {
        problems.same_family(path, stop, &path.replace("stop", "start"), start);
        if super::family(start) == super::family(stop) {
            problems.ascending::<IpAddr>(path, start, stop);
        }
    }
    problems.same_family(
        "local_addr_start",
        &value.local_addr_start,
        "remote_addr_start",
        &value.remote_addr_start,
    );
    // VPP: u8.
    problems.at_most("protocol", value.protocol, 255);
    for (path, start, stop) in [
        ("remote_port_stop", value.remote_port_start, value.remote_port_stop),
        ("local_port_stop", value.local_port_start, value.local_port_stop),
    ] {
        if start > stop {
            problems.add(path, format!("is {stop}, which is less than the start of the range, {start}"));
        }
    }
    problems.0
}

pub(crate) fn security_association(value: &SecurityAssociation) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    let crypto = CryptoAlg::try_from(value.crypto_alg).ok();
    if let Some(algorithm) = crypto {
        let length = match algorithm {
            CryptoAlg::NoneCrypto => None,
            CryptoAlg::AesCbc128 | CryptoAlg::AesCtr128 | CryptoAlg::AesGcm128 => Some(16),
            CryptoAlg::AesCbc192 | CryptoAlg::AesCtr192 | CryptoAlg::AesGcm192 => Some(24),
            CryptoAlg::AesCbc256 | CryptoAlg::AesCtr256 | CryptoAlg::AesGcm256 => Some(32),
            CryptoAlg::DesCbc => Some(8),
            CryptoAlg::Des3Cbc => Some(24),
        };
        key(&mut problems, "crypto_key", &value.crypto_key, length, algorithm.as_str_name());
    }
    if let Ok(algorithm) = IntegAlg::try_from(value.integ_alg) {
        key(&mut problems, "integ_key", &value.integ_key, None, algorithm.as_str_name());
        if algorithm != IntegAlg::NoneInteg && value.integ_key.is_empty() {
            problems.add("integ_key", format!("must not be empty: {} needs a key", algorithm.as_str_name()));
        }
        if algorithm == IntegAlg::NoneInteg && value.protocol == IpSecProtocol::Ah as i32 {
            problems.add("integ_alg", "must be stated for protocol AH, which only protects integrity");
        }
    }
    match (value.tunnel_src_addr.as_str(), value.tunnel_dst_addr.as_str()) {
        ("", "") => {}
        ("", _) => problems.add("tunnel_src_addr", "must not be empty where `tunnel_dst_addr` is stated"),
        (_, "") => problems.add("tunnel_dst_addr", "must not be empty where `tunnel_src_addr` is stated"),
        (src, dst) => problems.same_family("tunnel_dst_addr", dst, "tunnel_src_addr", src),
    }
    problems.0
}

/// A key in hexadecimal; what is wrong is told without the key.
fn key(problems: &mut Problems, path: &str, key: &str, length: Option<usize>, algorithm: &str) {
    if !key.bytes().all(|b| b.is_ascii_hexdigit()) || !key.len().is_multiple_of(2) {
        problems.add(path, "is not hexadecimal, two digits for each byte");
    } else if let Some(length) = length
        && key.len() != 2 * length
    {
        problems.add(path, format!("has {} bytes; keys of {algorithm} have {length}", key.len() / 2));
    }
}

pub(crate) fn tunnel_protection(value: &TunnelProtection) -> Vec<FieldProblem> {
    let mut problems = Problems::default();
    for (path, list) in [("sa_out", &value.sa_out), ("sa_in", &value.sa_in)] {
        if list.is_empty() {
            problems.add(path, "must have at least one security association");
        }
    }
    problems.0
}
