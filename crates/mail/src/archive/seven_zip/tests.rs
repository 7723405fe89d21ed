//! Archives that 7-Zip 22.01 and libarchive 3.6.2 made, in base64.

use mail_parser::decoders::base64::base64_decode;
use proptest::prelude::*;

use super::*;

/// `invoice.exe`.
const ONE: &str = "N3q8ryccAATjRYu/CgAAAAAAAABiAAAAAAAAANRrlCoBAAVoZWxsbwoAAQQGAAEJCgAHCwEAASEhAQAMBgAICg\
    EgMDo2AAAFARkMAAAAAAAAAAAAAAAAERkAaQBuAHYAbwBpAGMAZQAuAGUAeABlAAAAGQIAABQKAQAOq/Kj5n3d\
    ARUGAQAggKSBAAA=";
/// `f1.txt`, `f2.txt` and `f3.txt`; the header is packed.
const SEVERAL: &str = "N3q8ryccAAQ4fKNIbgAAAAAAAAAhAAAAAAAAAOLKDl4BAAUxCjIKMwoAAACBMweuD85vVl76Dfokg9wXd2LyF6\
    CojWC1I3Bzf51iEVCpLDOCqABJuep4cIUpbe7qS1sGj+0kESzxfVrSUhwj/YVGjDDoov1eD9PMikRPcmUOzBdk\
    XxA4AZ1M9Sa8WiAAABcGCgEJZAAHCwEAASMDAQEFXQAQAAAMgJoKAVYgMIIAAA==";
/// `f1.txt`, `f2.txt` and `invoice.exe`, with `-mhc=off`: the header is not.
const PLAIN: &str = "N3q8ryccAAT+6K0MDgAAAAAAAACiAAAAAAAAANMC4iIBAAkxCjIKaGVsbG8KAAEEBgABCQ4ABwsBAAEhIQEADA\
    oACA0DCQICCgFT/FFnkK98TCAwOjYAAAUDGQ8AAAAAAAAAAAAAAAAAAAARNQBmADEALgB0AHgAdAAAAGYAMgAu\
    AHQAeAB0AAAAaQBuAHYAbwBpAGMAZQAuAGUAeABlAAAAFBoBAA6r8qPmfd0BDqvyo+Z93QEOq/Kj5n3dARUOAQ\
    AggKSBIICkgSCApIEAAA==";
/// `invoice.exe` with a password.
const LOCKED: &str = "N3q8ryccAAQzxtLeEAAAAAAAAAByAAAAAAAAAD+o6rZTruY3us8gvDqaHWxgumyyAQQGAAEJEAAHCwEAAiQG8Q\
    cBElMPqneB6AQHaBLyzjxnWEIQNCEhAQABAAwKBgAICgEgMDo2AAAFARkBABEZAGkAbgB2AG8AaQBjAGUALgBl\
    AHgAZQAAABkCAAAUCgEADqvyo+Z93QEVBgEAIICkgQAA";
/// The same with `-mhe=on`.
const LOCKED_NAMES: &str = "N3q8ryccAAScnRl3kAAAAAAAAAAvAAAAAAAAADS6EY+vKcwMQcBlnQzgidBabuwp5S7hDm6YIvDG+DEFwm3Cha\
    YIxJqN2WtJff6Gs5woTgNCEIaCFbhsoKcfsf3rZmuvRXP3B7tG01sIKmd5uBxCi9NFWUFTOjHgfeZ9t+BKEgWn\
    fMQV9NPoNo/HEx94R2YbjKKpyHmw1qb4ju+ydjmAZONuTpBTl136FWzIwxME1cwXBhABCYCAAAcLAQABJAbxBw\
    ESUw9T9h9yrYniX0hZX2SZhEiwDHIKAaFFrZkAAA==";
/// `f1.txt` and `invoice.exe`, by bsdtar.
const OF_LIBARCHIVE: &str = "N3q8ryccAAPpQU+RjQAAAAAAAAAhAAAAAAAAAFIC5m4AGIKJhxICqLySkW////dJAAAAAIEzB64PzxYxDAfIQ4\
    CDgVv/rHbPeD8OYpALkqe2uh218XIYhuZi3w1plcdx1hFSKBTkj2+ZclMOS9AU8BrNvjU1t1FlC0V8NSUmyGV/\
    nDJn30KCAfNcfWfFI0EyQsaxZ/AQ1d9FECXksagcll+zq1vyLinT//7jxAAXBhIBCXsABwsBAAEjAwEBBV0AAI\
    AADICgCgH+de9/AAA=";

fn archive(base64: &str) -> Vec<u8> {
    base64_decode(base64.as_bytes()).unwrap()
}

#[track_caller]
fn check(archive: &[u8], names: &[&str], encrypted: bool) {
    let names = names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
    let expect = Directory { shown: names.len(), names, encrypted, cut: false };
    assert_eq!(list(archive, 10), expect);
}

#[test]
fn the_names_in_an_archive_are_listed() {
    check(&archive(ONE), &["invoice.exe"], false);
    check(&archive(SEVERAL), &["f1.txt", "f2.txt", "f3.txt"], false);
    check(&archive(PLAIN), &["f1.txt", "f2.txt", "invoice.exe"], false);
    check(&archive(OF_LIBARCHIVE), &["f1.txt", "invoice.exe"], false);
    check(&[b"MZ program", &archive(SEVERAL)[..]].concat(), &["f1.txt", "f2.txt", "f3.txt"], false);
}

#[test]
fn what_only_seems_to_be_an_archive_hides_none_behind_it() {
    let decoy = [SIGNATURE, &[0; 26]].concat();
    check(&[&decoy, &decoy[..], &archive(ONE)].concat(), &["invoice.exe"], false);
    assert!(list(&decoy, 10).cut);
}

#[test]
fn a_password_is_told_and_where_it_hides_the_names_as_well() {
    check(&archive(LOCKED), &["invoice.exe"], true);
    let hidden = list(&archive(LOCKED_NAMES), 10);
    assert!(hidden.names.is_empty() && hidden.encrypted && hidden.cut);
}

#[test]
fn of_an_archive_that_is_cut_in_the_middle_the_end_is_read() {
    // As of one that is too large, where it says the header is there is nothing.
    let mut cut = archive(ONE);
    cut[12..20].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    check(&cut, &["invoice.exe"], false);
}

#[test]
fn a_header_larger_than_is_in_proportion_is_read_in_part() {
    let whole = archive(PLAIN);
    let listed = list(&whole, 2);
    assert!(listed.cut && listed.names.len() == 2);
    // What is packed to next to nothing.
    let mut bomb = archive(SEVERAL);
    let at = bomb.len() - 10;
    assert_eq!(bomb[at..at + 2], [0x80, 0x9a]);
    bomb.splice(at..at + 2, [0xe0, 0xff, 0xff, 0xff]);
    bomb[20] += 2;
    let listed = list(&bomb, 10);
    assert!(listed.cut && listed.names == ["f1.txt", "f2.txt", "f3.txt"], "{listed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_fail(which in 0_usize..6, at in 0_usize..250, by in any::<u8>(), len in 0_usize..250) {
        let mut archive = archive([ONE, SEVERAL, PLAIN, LOCKED, LOCKED_NAMES, OF_LIBARCHIVE][which]);
        if let Some(byte) = archive.get_mut(at) {
            *byte = by;
        }
        archive.truncate(len.max(40));
        let _ = list(&archive, 10);
    }
}
