//! The model to start with: weights and counts of the features that training found telling.
//!
//! A file is a header and a table, and is used as it lies: nothing is unpacked. The table is made of
//! buckets of 16 bytes, four features each: a byte of each feature's hash to know it by, its weight in
//! 16 bits, and how often it stood in spam and in ham in four bits each, on a scale that doubles.
//!
//! ```text
//! magic "tgbayes1"   8   weight scale      f32
//! features version u16   slope, offset   2×f32
//! reserved         u16   spam, ham       2×u32
//! buckets          u32   checksum          u64, of all the rest
//! ```
//!
//! Invariant: every file that loads can be asked anything; a feature that is not in it weighs 0.

use std::borrow::Cow;
use std::fmt;

use crate::calibrate::Calibration;
use crate::features::FEATURES_VERSION;
use crate::hash;
use crate::naive::Counts;

/// Built by `tidegate train` from the corpus that README.md names.
static SHIPPED: &Laid<[u8]> =
    &Laid { before: [0; _], model: *include_bytes!("../model/shipped.bin") };

/// A model laid so that none of its buckets lies in two lines of a cache.
#[repr(C, align(16))]
struct Laid<M: ?Sized> {
    before: [u8; BUCKET - HEADER % BUCKET],
    model: M,
}

const MAGIC: &[u8; 8] = b"tgbayes1";
const HEADER: usize = 44;
const BUCKET: usize = 16;
const SLOTS: usize = 4;

/// The most bytes a model takes.
pub const LARGEST_MODEL: usize = 4 << 20;

/// Counts on a scale of four bits.
const LEVELS: [f32; 16] =
    [0., 1., 2., 3., 4., 6., 8., 12., 16., 24., 32., 64., 128., 256., 512., 1024.];

/// A trained model; without training, one that knows nothing.
#[derive(Clone)]
pub struct Model {
    bytes: Cow<'static, [u8]>,
    buckets: u32,
    scale: f32,
    pub(crate) calibration: Calibration,
    pub(crate) messages: Counts,
}

/// What a model says of a feature.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Known {
    pub(crate) weight: f32,
    pub(crate) counts: Counts,
}

/// A feature as training found it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Trained {
    pub(crate) feature: u64,
    pub(crate) weight: f32,
    pub(crate) spam: u32,
    pub(crate) ham: u32,
}

/// A file that is no model for this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ModelError {
    /// Not a model file, or cut short.
    #[error("this is not a model of tidegate; make one with 'tidegate train'")]
    NotAModel,
    /// Trained by another version.
    #[error(
        "the model was trained on features of version {found}, this program reads {wanted}; train it again"
    )]
    OtherFeatures {
        /// The version in the file.
        found: u16,
        /// The version of this program.
        wanted: u16,
    },
    /// Changed since it was written.
    #[error("the model is damaged: its checksum does not match; train it again or fetch it again")]
    Damaged,
}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spam, ham) = self.trained_on();
        let Calibration { slope, offset } = self.calibration;
        write!(f, "Model of {spam} spam and {ham} ham, calibration {slope} {offset}")
    }
}

impl Default for Model {
    fn default() -> Self {
        Self::untrained()
    }
}

impl Model {
    /// A model that knows nothing: what is learned locally is all there is.
    #[must_use]
    pub const fn untrained() -> Self {
        Self {
            bytes: Cow::Borrowed(&[]),
            buckets: 0,
            scale: 0.0,
            calibration: Calibration { slope: 1.0, offset: 0.0 },
            messages: Counts { spam: 0.0, ham: 0.0 },
        }
    }

    /// The model that comes with the program.
    ///
    /// # Errors
    /// When it was trained on features of another version: a mistake of whoever built the program,
    /// which a test finds.
    pub fn shipped() -> Result<Self, ModelError> {
        Self::load(&SHIPPED.model)
    }

    /// Reads a model.
    ///
    /// # Errors
    /// When the bytes are no model, a damaged one, or one of other features.
    pub fn load(bytes: impl Into<Cow<'static, [u8]>>) -> Result<Self, ModelError> {
        let bytes = bytes.into();
        let header = bytes.get(..HEADER).ok_or(ModelError::NotAModel)?;
        if !header.starts_with(MAGIC) {
            return Err(ModelError::NotAModel);
        }
        let found = u16::from_le_bytes([header[8], header[9]]);
        if found != FEATURES_VERSION {
            return Err(ModelError::OtherFeatures { found, wanted: FEATURES_VERSION });
        }
        let number = |at: usize| {
            u32::from_le_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
        };
        let buckets = number(12);
        if bytes.len() != HEADER + buckets as usize * BUCKET || bytes.len() > LARGEST_MODEL {
            return Err(ModelError::NotAModel);
        }
        let sum = u64::from(number(36)) | u64::from(number(40)) << 32;
        if sum != checksum(&bytes) {
            return Err(ModelError::Damaged);
        }
        let real = |at: usize| f32::from_bits(number(at));
        Ok(Self {
            buckets,
            scale: real(16),
            calibration: Calibration { slope: real(20), offset: real(24) },
            messages: Counts { spam: number(28) as f32, ham: number(32) as f32 },
            bytes,
        })
    }

    /// The file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The checksum, by which models are told apart; 0 for one that knows nothing.
    #[must_use]
    pub fn checksum(&self) -> u64 {
        let known = self.bytes.get(36..44).and_then(|sum| sum.try_into().ok());
        known.map_or(0, u64::from_le_bytes)
    }

    /// How many spam and ham messages it was trained on.
    #[must_use]
    pub const fn trained_on(&self) -> (u32, u32) {
        (self.messages.spam as u32, self.messages.ham as u32)
    }

    /// What it knows of a feature, if anything.
    #[inline]
    pub(crate) fn know(&self, feature: u64) -> Option<Known> {
        let (weight, counts) = self.find(feature)?;
        Some(Known {
            weight: f32::from(weight) * self.scale,
            counts: Counts {
                spam: LEVELS[usize::from(counts >> 4)],
                ham: LEVELS[usize::from(counts & 15)],
            },
        })
    }

    /// The weight of a feature that it knows, for whom its counts are nothing.
    #[inline]
    pub(crate) fn weight(&self, feature: u64) -> Option<f32> {
        let (weight, counts) = self.find(feature)?;
        (weight != 0 || counts != 0).then(|| f32::from(weight) * self.scale)
    }

    /// Weight and counts of a feature, as they are written. All slots of its bucket are looked at together: it
    /// may be in any, which nobody can guess.
    #[inline]
    fn find(&self, feature: u64) -> Option<(i16, u8)> {
        let at = HEADER + place(feature, self.buckets) * BUCKET;
        let bucket: &[u8; BUCKET] = self.bytes.get(at..)?.first_chunk()?;
        let bits = u128::from_le_bytes(*bucket);
        let (marks, weights, counts) = (bits as u32, (bits >> 32) as u64, (bits >> 96) as u32);
        // The lowest byte that is 0 here is that of the slot.
        let others = marks ^ (u32::from(mark(feature)) * 0x0101_0101);
        let zeros = others.wrapping_sub(0x0101_0101) & !others & 0x8080_8080;
        let slot = (zeros != 0).then(|| zeros.trailing_zeros() / 8)?;
        Some((weights.wrapping_shr(16 * slot) as i16, counts.wrapping_shr(8 * slot) as u8))
    }

    /// Lays features out in a table. The heaviest come first: where a bucket is full, the lighter are
    /// left out.
    pub(crate) fn build(
        mut features: Vec<Trained>,
        calibration: Calibration,
        (spam, ham): (u32, u32),
    ) -> Self {
        features.sort_by(|a, b| {
            b.weight.abs().total_cmp(&a.weight.abs()).then(a.feature.cmp(&b.feature))
        });
        let most = (LARGEST_MODEL - HEADER) / BUCKET;
        let buckets = (features.len() * 2 / SLOTS).clamp(1, most) as u32;
        let heaviest = features.first().map_or(0.0, |first| first.weight.abs());
        let scale = if heaviest > 0.0 { heaviest / f32::from(i16::MAX) } else { 1.0 };
        let mut bytes = vec![0_u8; HEADER + buckets as usize * BUCKET];
        for trained in &features {
            let at = HEADER + place(trained.feature, buckets) * BUCKET;
            let Some(bucket) = bytes.get_mut(at..at + BUCKET) else { continue };
            let mark = mark(trained.feature);
            let slot = (0..SLOTS).find(|slot| bucket[*slot] == 0 || bucket[*slot] == mark);
            let Some(slot) = slot.filter(|slot| bucket[*slot] == 0) else { continue };
            bucket[slot] = mark;
            let weight = (trained.weight / scale).round() as i16;
            bucket[4 + 2 * slot..6 + 2 * slot].copy_from_slice(&weight.to_le_bytes());
            bucket[12 + slot] = level(trained.spam) << 4 | level(trained.ham);
        }
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..10].copy_from_slice(&FEATURES_VERSION.to_le_bytes());
        for (at, number) in [
            (12, buckets),
            (16, scale.to_bits()),
            (20, calibration.slope.to_bits()),
            (24, calibration.offset.to_bits()),
            (28, spam),
            (32, ham),
        ] {
            bytes[at..at + 4].copy_from_slice(&number.to_le_bytes());
        }
        let sum = checksum(&bytes);
        bytes[36..44].copy_from_slice(&sum.to_le_bytes());
        let messages = Counts { spam: spam as f32, ham: ham as f32 };
        Self { bytes: bytes.into(), buckets, scale, calibration, messages }
    }
}

/// The bucket of a feature.
#[inline]
const fn place(feature: u64, buckets: u32) -> usize {
    (((feature >> 32) * buckets as u64) >> 32) as usize
}

/// The byte that tells features of one bucket apart; never 0.
#[inline]
const fn mark(feature: u64) -> u8 {
    let mark = (feature >> 8) as u8;
    if mark == 0 { 0x5a } else { mark }
}

/// The level next below a count, or at it.
fn level(count: u32) -> u8 {
    LEVELS.iter().rposition(|level| *level <= count as f32).unwrap_or(0) as u8
}

/// Of everything but the place of the checksum.
fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = 0_u64;
    for part in [&bytes[..36], &bytes[HEADER..]] {
        for chunk in part.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            sum = hash::mix(sum ^ u64::from_le_bytes(word)).wrapping_add(0x9e37_79b9);
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trained(count: u64) -> Vec<Trained> {
        (1..=count)
            .map(|n| Trained {
                feature: hash::mix(n),
                weight: (n as f32 - 500.0) / 100.0,
                spam: n as u32,
                ham: 2 * n as u32,
            })
            .collect()
    }

    #[test]
    fn what_was_built_is_known_again_from_its_bytes() {
        let built = Model::build(trained(1000), Calibration { slope: 2.0, offset: -1.0 }, (7, 9));
        let model = Model::load(built.bytes().to_vec()).unwrap();
        assert_eq!(model.trained_on(), (7, 9));
        assert_eq!(model.calibration, Calibration { slope: 2.0, offset: -1.0 });
        let trained = trained(1000);
        let same = trained.iter().filter(|trained| {
            let known = model.know(trained.feature).unwrap_or_default();
            (known.weight - trained.weight).abs() < 0.001
                && known.counts.spam <= trained.spam as f32
                && known.counts.ham > trained.ham as f32 / 2.1
                || trained.ham > 1024
        });
        assert!(same.count() > 970);
        let strangers = (5000..15000).filter(|n| model.know(hash::mix(*n)).is_some());
        assert!(strangers.count() < 200, "a stranger is rarely taken for a known feature");
    }

    #[test]
    fn the_same_features_in_any_order_give_the_same_bytes() {
        let mut backwards = trained(300);
        backwards.reverse();
        let one = Model::build(trained(300), Calibration::default(), (1, 1));
        assert_eq!(one.bytes(), Model::build(backwards, Calibration::default(), (1, 1)).bytes());
    }

    #[test]
    fn what_is_no_model_is_told() {
        let bytes = Model::build(trained(50), Calibration::default(), (1, 1)).bytes().to_vec();
        for cut in [0, 10, HEADER, bytes.len() - 1] {
            assert_eq!(Model::load(bytes[..cut].to_vec()).unwrap_err(), ModelError::NotAModel);
        }
        for at in [20, 36, HEADER + 3] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            assert_eq!(Model::load(damaged).unwrap_err(), ModelError::Damaged);
        }
        let mut other = bytes;
        other[8] ^= 0x80;
        assert!(matches!(Model::load(other).unwrap_err(), ModelError::OtherFeatures { .. }));
    }

    #[test]
    fn the_shipped_model_is_of_this_version_and_within_its_bound() {
        let model = Model::shipped().unwrap();
        assert!(model.trained_on().0 > 1000 && model.bytes().len() <= LARGEST_MODEL);
    }

    #[test]
    fn an_untrained_model_knows_nothing() {
        assert_eq!(Model::untrained().know(12345), None);
        let empty = Model::build(Vec::new(), Calibration::default(), (0, 0));
        assert_eq!(empty.know(1 << 40), None);
    }
}
