//! Archives that 7-Zip 22.01 and libarchive 3.6.2 made, which fuzzing begins with as well.

use proptest::prelude::*;

use super::*;

/// `invoice.exe`.
const ONE: &[u8] = include_bytes!("../../../../../fuzz/seeds/archive/one.7z");
/// `f1.txt`, `f2.txt` and `f3.txt`; the header is packed.
const SEVERAL: &[u8] = include_bytes!("../../../../../fuzz/seeds/archive/many.7z");
/// `f1.txt`, `f2.txt` and `invoice.exe`, with `-mhc=off`: the header is not.
const PLAIN: &[u8] = include_bytes!("../../../../../fuzz/seeds/archive/plain-header.7z");
/// `invoice.exe` with a password.
const LOCKED: &[u8] = include_bytes!("../../../../../fuzz/seeds/archive/locked.7z");
/// The same with `-mhe=on`.
const LOCKED_NAMES: &[u8] = include_bytes!("../../../../../fuzz/seeds/archive/locked-names.7z");
/// `f1.txt` and `invoice.exe`, by bsdtar.
const OF_LIBARCHIVE: &[u8] = include_bytes!("../../../../../fuzz/seeds/archive/of-libarchive.7z");

#[track_caller]
fn check(archive: &[u8], names: &[&str], encrypted: bool) {
    super::super::check(list, archive, names, encrypted);
}

#[test]
fn the_names_in_an_archive_are_listed() {
    check(ONE, &["invoice.exe"], false);
    check(SEVERAL, &["f1.txt", "f2.txt", "f3.txt"], false);
    check(PLAIN, &["f1.txt", "f2.txt", "invoice.exe"], false);
    check(OF_LIBARCHIVE, &["f1.txt", "invoice.exe"], false);
    check(&[b"MZ program", SEVERAL].concat(), &["f1.txt", "f2.txt", "f3.txt"], false);
}

#[test]
fn what_only_seems_to_be_an_archive_hides_none_behind_it() {
    let decoy = [SIGNATURE, &[0; 26]].concat();
    check(&[&decoy, &decoy[..], ONE].concat(), &["invoice.exe"], false);
    assert!(list(&decoy, 10).cut);
}

#[test]
fn a_password_is_told_and_where_it_hides_the_names_as_well() {
    check(LOCKED, &["invoice.exe"], true);
    let hidden = list(LOCKED_NAMES, 10);
    assert!(hidden.names.is_empty() && hidden.encrypted && hidden.cut);
}

#[test]
fn of_an_archive_that_is_cut_in_the_middle_the_end_is_read() {
    // As of one that is too large, where it says the header is there is nothing.
    let mut cut = ONE.to_vec();
    cut[12..20].copy_from_slice(&(1_u64 << 40).to_le_bytes());
    check(&cut, &["invoice.exe"], false);
}

#[test]
fn a_header_larger_than_is_in_proportion_is_read_in_part() {
    let listed = list(PLAIN, 2);
    assert!(listed.cut && listed.names.len() == 2);
    // What is packed to next to nothing.
    let mut bomb = SEVERAL.to_vec();
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
        let mut archive = [ONE, SEVERAL, PLAIN, LOCKED, LOCKED_NAMES, OF_LIBARCHIVE][which].to_vec();
        if let Some(byte) = archive.get_mut(at) {
            *byte = by;
        }
        archive.truncate(len.max(40));
        let _ = list(&archive, 10);
    }
}
