//! Archives: names without end, records that share their bytes, archives within archives.

use super::{Class, single};

pub(super) const CLASSES: &[Class] = &[
    Class {
        name: "zip-names",
        of: "files listed in an attached zip",
        large: 60_000,
        make: zip_names,
    },
    Class { name: "zip-in-zip", of: "names of zips within zips", large: 60_000, make: zip_in_zip },
    Class {
        name: "zip-bomb",
        of: "entries that share one file of 4 GB",
        large: 60_000,
        make: zip_bomb,
    },
    Class {
        name: "zip-names-in-names",
        of: "records in an attached zip, each of whose names holds all records behind it",
        large: 60_000,
        make: zip_names_in_names,
    },
    Class {
        name: "zip-no-directory",
        of: "letters of base64 in a zip that has no directory",
        large: 20_000_000,
        make: zip_without_directory,
    },
    Class { name: "zips", of: "attached zips", large: 5_000, make: zips },
    Class {
        name: "rar-in-rar",
        of: "archives in an attached RAR, each of which has all others in a name",
        large: 60_000,
        make: rar_in_rar,
    },
    Class {
        name: "7z-bombs",
        of: "attached 7z archives, whose headers would unpack to 2,000 times as much",
        large: 50_000,
        make: seven_zip_bombs,
    },
];

fn attached(archive: &[u8]) -> String {
    format!(
        "--b\r\nContent-Type: application/zip; name=a.zip\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n",
        encoded(archive)
    )
}

/// Base64 (RFC 4648, section 4).
pub(crate) fn encoded(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = |group: &[u8]| {
        let bits =
            (0..3).fold(0u32, |bits, at| bits << 8 | u32::from(*group.get(at).unwrap_or(&0)));
        let digit = |at: usize| char::from(DIGITS[(bits >> (18 - 6 * at)) as usize & 63]);
        [0, 1, 2, 3].map(|at| if at <= group.len() { digit(at) } else { '=' })
    };
    bytes.chunks(3).flat_map(digits).collect()
}

/// A zip of empty files with `names`; each of the directory's records says that its file has
/// `claimed` bytes and stands at the beginning.
fn zip(names: impl Iterator<Item = String>, claimed: u32) -> Vec<u8> {
    let mut archive = [b"PK\x03\x04\x14\0".as_slice(), &[0; 20], &[1, 0, 0, 0], b"a"].concat();
    let begin = archive.len() as u32;
    for name in names {
        archive.extend([b"PK\x01\x02\x14\0\x14\0".as_slice(), &[0; 12]].concat());
        archive.extend([0u32.to_le_bytes(), claimed.to_le_bytes()].concat());
        archive.extend((name.len() as u16).to_le_bytes());
        archive.extend([0; 16]);
        archive.extend(name.as_bytes());
    }
    archive.extend([b"PK\x05\x06".as_slice(), &[0; 12], &begin.to_le_bytes(), &[0; 2]].concat());
    archive
}

fn zip_names(n: usize) -> Vec<u8> {
    let archive = zip((0..n).map(|at| format!("{at}/../{}.exe", "x".repeat(30))), 0);
    single("multipart/mixed; boundary=b", &attached(&archive))
}

fn zip_in_zip(n: usize) -> Vec<u8> {
    let archive = zip((0..n).map(|at| format!("{}{at}", "a.zip/".repeat(5))), 0);
    single("multipart/mixed; boundary=b", &attached(&archive))
}

fn zip_bomb(n: usize) -> Vec<u8> {
    let archive = zip((0..n).map(|at| format!("{at}")), u32::MAX);
    single("multipart/mixed; boundary=b", &attached(&archive))
}

fn zip_names_in_names(n: usize) -> Vec<u8> {
    const LEN: usize = 46;
    let record = [b"PK\x01\x02".as_slice(), &[0; LEN - 4]].concat();
    let mut archive = record.repeat(n);
    for (at, record) in archive.chunks_mut(LEN).enumerate() {
        let behind = u16::try_from(LEN * (n - 1 - at)).unwrap_or(u16::MAX);
        record[28..30].copy_from_slice(&behind.to_le_bytes());
    }
    single("multipart/mixed; boundary=b", &attached(&archive))
}

fn zip_without_directory(n: usize) -> Vec<u8> {
    let archive = "UEsDBBQA".to_owned() + &"UEsDUEsB".repeat(n / 8);
    single("application/zip\r\nContent-Transfer-Encoding: base64", &archive)
}

fn zips(n: usize) -> Vec<u8> {
    let one = attached(&zip((0..40).map(|at| format!("{at}.zip")), 0));
    single("multipart/mixed; boundary=b", &one.repeat(n))
}

fn rar_in_rar(n: usize) -> Vec<u8> {
    const LEN: usize = 7 + 13 + 32;
    let (begin, main) = (b"Rar!\x1a\x07\0", b"\0\0\x73\0\0\x0d\0\0\0\0\0\0\0");
    let mut archive = Vec::with_capacity(LEN * n);
    for at in (0..n).rev() {
        let behind = u16::try_from(LEN * at).unwrap_or(u16::MAX - 32);
        let (size, name) = ((32 + behind).to_le_bytes(), behind.to_le_bytes());
        let file = [b"\0\0\x74\0\x80", &size[..], &[0; 19], &name, &[0; 4]].concat();
        archive.extend([&begin[..], main, &file].concat());
    }
    single("multipart/mixed; boundary=b", &attached(&archive))
}

/// The header of each is 440 kB of one name.
fn seven_zip_bombs(n: usize) -> Vec<u8> {
    let one = encoded(include_bytes!("../../../../fuzz/seeds/archive/bomb.7z"));
    let one = format!(
        "--b\r\nContent-Type: application/x-7z-compressed; name=a.7z\r\n\
         Content-Transfer-Encoding: base64\r\n\r\n{one}\r\n"
    );
    single("multipart/mixed; boundary=b", &one.repeat(n))
}
