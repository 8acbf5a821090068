//! What images look like: found by parts of their fingerprints, never by reading all of them.
//!
//! Two fingerprints that differ in at most seven of 64 bits have, among their four parts of 16 bits, one that differs
//! in at most one bit: eight differences would be needed for two in each. So all look-alikes of a picture have one of
//! 17 values in one of four places, and each place has an index. What that finds besides is sorted out by counting
//! bits: of n pictures of a client whose bits are evenly spread, 68 in 65,536 are looked at.

use std::{cmp::Reverse, collections::BTreeMap};

use super::{
    super::{ImageRecord, LookAlike, Result},
    image_rows::IMAGES,
    library::load,
    rows::Fields,
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{
    fingerprint::{Fingerprint, VERSION},
    ids::ImageId,
};

/// Bits of a part.
const BAND_BITS: u32 = 16;
/// Nobody finds an image that is being deleted.
const LIVE: &str = " AND deleting_us IS NULL";
/// Queries of the parts, highest bits first.
const BANDS: [&str; 4] = [
    "SELECT storage_key, bits FROM fingerprints WHERE client = $1 AND version = $2 AND band0 IN (",
    "SELECT storage_key, bits FROM fingerprints WHERE client = $1 AND version = $2 AND band1 IN (",
    "SELECT storage_key, bits FROM fingerprints WHERE client = $1 AND version = $2 AND band2 IN (",
    "SELECT storage_key, bits FROM fingerprints WHERE client = $1 AND version = $2 AND band3 IN (",
];

/// The parts of a fingerprint, highest bits first.
fn bands(fingerprint: Fingerprint) -> [u16; BANDS.len()] {
    let bits = fingerprint.bits().to_be_bytes();
    let band = |at: usize| u16::from_be_bytes([bits[2 * at], bits[2 * at + 1]]);
    [band(0), band(1), band(2), band(3)]
}

/// A part, and those that differ from it in one bit.
fn near(band: u16) -> impl Iterator<Item = i64> {
    let flipped = (0..BAND_BITS).map(move |bit| band ^ (1 << bit));
    std::iter::once(band).chain(flipped).map(i64::from)
}

/// Writes the fingerprint of the object of an image. The first one stays.
pub(super) fn insert(tx: &mut Tx<'_>, image: &ImageRecord, fingerprint: Fingerprint) {
    let bands = bands(fingerprint).map(|band| (!fingerprint.is_flat()).then(|| i64::from(band)));
    let mut statement = sql(
        "INSERT INTO fingerprints (storage_key, client, version, bits, is_flat, band0, band1, band2, band3) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (storage_key) DO NOTHING",
    )
    .bind(&image.storage_key)
    .bind(&image.client)
    .bind(VERSION)
    .bind(fingerprint.bits().cast_signed())
    .bind(fingerprint.is_flat());
    for band in bands {
        statement = statement.bind(band);
    }
    statement.later(tx);
}

/// Forgets what an object looked like that is being deleted.
pub(super) fn forget(tx: &mut Tx<'_>, storage_key: &str) {
    sql("DELETE FROM fingerprints WHERE storage_key = $1")
        .bind(storage_key)
        .later(tx);
}

/// Images of a client whose stored bytes have this SHA-256, newest first.
pub(super) async fn of_content(tx: &mut Tx<'_>, client: &str, sha256: &str) -> Result<Vec<ImageRecord>> {
    let mut images = load(tx, content_query(sha256)).await?;
    images.retain(|image| image.client == client);
    images.sort_by_key(|image| Reverse((image.created_at, image.id)));
    Ok(images)
}

/// Asks for nothing else, as [`objects_query`] does.
pub(super) fn content_query(sha256: &str) -> Statement {
    let mut query = sql(IMAGES);
    query.push(" WHERE stored_sha256 = ").push_bind(sha256);
    query.push(LIVE);
    query
}

/// Images that look like a fingerprint, the most similar first.
pub(super) async fn look_alikes(
    tx: &mut Tx<'_>,
    client: &str,
    fingerprint: Fingerprint,
    limit: usize,
) -> Result<Vec<LookAlike>> {
    if fingerprint.is_flat() {
        return Ok(Vec::new());
    }
    let mut found = BTreeMap::new();
    for query in band_queries(client, fingerprint) {
        for row in &query.fetch_all(tx).await? {
            let fields = Fields(row);
            let bits: i64 = fields.number("bits")?;
            let distance = fingerprint.distance(Fingerprint::kept(bits.cast_unsigned(), false));
            if distance <= LookAlike::MAX_DISTANCE {
                found.insert(fields.text("storage_key")?, distance);
            }
        }
    }
    let mut nearest: Vec<(String, u32)> = found.into_iter().collect();
    nearest.sort_by(|(a, near), (b, far)| (near, a).cmp(&(far, b)));
    nearest.truncate(limit);
    if nearest.is_empty() {
        return Ok(Vec::new());
    }
    let mut images = load(tx, objects_query(nearest.iter().map(|(key, _)| key))).await?;
    images.retain(|image| image.client == client);
    images.sort_by_key(|image| (image.created_at, image.id));
    let mut first: BTreeMap<String, ImageRecord> = BTreeMap::new();
    for image in images {
        first.entry(image.storage_key.clone()).or_insert(image);
    }
    let look_alikes = nearest.into_iter().filter_map(|(key, distance)| {
        let image = first.remove(&key)?;
        Some(LookAlike { image, distance })
    });
    Ok(look_alikes.collect())
}

/// Images that stand on these objects. Nothing else is asked, not even the client, so that nothing but the index of
/// objects can serve.
pub(super) fn objects_query<'k>(keys: impl Iterator<Item = &'k String>) -> Statement {
    let mut query = sql(IMAGES);
    query.push(" WHERE storage_path IN (");
    query.push_list(keys).push(")").push(LIVE);
    query
}

/// One query for each part.
pub(super) fn band_queries(client: &str, fingerprint: Fingerprint) -> [Statement; BANDS.len()] {
    let bands = bands(fingerprint);
    std::array::from_fn(|place| {
        let mut query = sql(BANDS[place]).bind(client).bind(VERSION);
        query.push_list(near(bands[place])).push(")");
        query
    })
}

/// Images that stand on objects without a fingerprint, in the order of their ids.
pub(super) async fn missing(tx: &mut Tx<'_>, after: Option<ImageId>, limit: u32) -> Result<Vec<ImageRecord>> {
    load(tx, missing_query(after, limit)).await
}

pub(super) fn missing_query(after: Option<ImageId>, limit: u32) -> Statement {
    let mut query = sql(IMAGES);
    let after = after.map_or_else(String::new, |id| id.to_string());
    query.push(" WHERE id > ").push_bind(after);
    query.push(LIVE).push(" AND reused = ").push_bind(false);
    query.push(
        " AND NOT EXISTS (SELECT 1 FROM fingerprints WHERE fingerprints.storage_key = images.storage_path)",
    );
    query.push(" ORDER BY id LIMIT ").push_bind(limit);
    query
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seven_changed_bits_leave_one_part_with_at_most_one() {
        let original = Fingerprint::kept(0x0123_4567_89ab_cdef, false);
        let near: [Vec<i64>; 4] = bands(original).map(|band| near(band).collect());
        // The worst spread of seven: two in three of the parts, one in the last; in every order of parts.
        let spreads = (0..4_u32).flat_map(|few| (0..BAND_BITS).map(move |bit| (few, bit)));
        for (few, bit) in spreads {
            let flips = (0..4_u32).fold(0_u64, |flips, part| {
                let one = 1_u64 << bit;
                let two = one | 1_u64 << ((bit + 5) % BAND_BITS);
                let pattern = if part == few { one } else { two };
                flips | pattern << (BAND_BITS * part)
            });
            assert_eq!(flips.count_ones(), LookAlike::MAX_DISTANCE);
            let changed = bands(Fingerprint::kept(original.bits() ^ flips, false));
            let hits = changed
                .iter()
                .zip(&near)
                .filter(|(band, near)| near.contains(&i64::from(**band)));
            assert_eq!(hits.count(), 1);
        }
    }
}
