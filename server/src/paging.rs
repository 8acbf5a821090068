//! Pages of lists: sizes, and tokens that only we can make and that belong to one query.
//!
//! A token is base64url over the place after which the next page begins and a MAC over that place, the method
//! and the other fields of the request. Nothing is stored for it, and it does not expire.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use limn_executor::{clock::UnixMicros, records::Page};
use limn_proto::reason::Reason;
use prost::Message;
use sha2::Sha256;

use crate::{keys::SigningKey, refusal::Refusal};

/// Size of a page when none is asked for.
const DEFAULT_PAGE_SIZE: u32 = 50;
/// Largest size of a page; a larger wish is cut to it.
const MAX_PAGE_SIZE: u32 = 200;
/// A page of large records stops before it, below the 4 MiB that clients take by default.
const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;
/// Bytes of the MAC in a token: 128 bits, beyond guessing.
const MAC_BYTES: usize = 16;

/// Makes and checks page tokens.
#[derive(Clone, Debug)]
pub(crate) struct PageTokens {
    key: SigningKey,
}

/// Where a page begins: after this record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// When the last record of the page before was made; zero in lists without a time.
    pub(crate) created_at: UnixMicros,
    /// Its id.
    pub(crate) id: String,
}

/// The query that a token belongs to.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    identity: Vec<u8>,
}

impl Query {
    /// `request` is the request without page size and page token; its encoding is the same for equal requests,
    /// because all maps are ordered.
    pub(crate) fn new(method: &str, request: &impl Message) -> Self {
        let mut identity = method.as_bytes().to_vec();
        identity.push(0);
        identity.extend(request.encode_to_vec());
        Self { identity }
    }
}

impl PageTokens {
    pub(crate) fn new(key: SigningKey) -> Self {
        Self { key }
    }

    /// The token of the page after `place`.
    pub(crate) fn issue(&self, query: &Query, place: &Place) -> String {
        let mut payload = place.created_at.0.to_be_bytes().to_vec();
        payload.extend(place.id.as_bytes());
        let mac = self.mac(query, &payload).finalize().into_bytes();
        payload.extend(&mac[..MAC_BYTES]);
        URL_SAFE_NO_PAD.encode(payload)
    }

    /// The place that a token stands for; nothing for the empty token of a first page.
    pub(crate) fn read(&self, query: &Query, token: &str) -> Result<Option<Place>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        self.open(query, token).map(Some).ok_or_else(|| {
            Refusal::field(
                Reason::BadPageToken,
                "page_token",
                "is not a token of this list, or another field of the request changed since the page before",
            )
        })
    }

    /// A page of at most `size` records and of a size that every client takes, with the token of the next one.
    /// `records` hold one more than the page when there is a next page. The first record is always on the page, so
    /// that a list of large records gets on.
    pub(crate) fn fill<R, M: Message>(
        &self,
        query: &Query,
        size: u32,
        records: &[R],
        encode: impl Fn(&R) -> Result<M, Refusal>,
        place: impl Fn(&R) -> Place,
    ) -> Result<(Vec<M>, String), Refusal> {
        let (mut page, mut bytes) = (Vec::new(), 0);
        for record in records.iter().take(size as usize) {
            let message = encode(record)?;
            bytes += message.encoded_len();
            if bytes > MAX_PAGE_BYTES && !page.is_empty() {
                break;
            }
            page.push(message);
        }
        let is_last = page.len() == records.len();
        let last = page.len().checked_sub(1).and_then(|index| records.get(index));
        let next = last
            .filter(|_| !is_last)
            .map(|record| self.issue(query, &place(record)));
        Ok((page, next.unwrap_or_default()))
    }

    fn open(&self, query: &Query, token: &str) -> Option<Place> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (payload, mac) = bytes.split_at_checked(bytes.len().checked_sub(MAC_BYTES)?)?;
        self.mac(query, payload).verify_truncated_left(mac).ok()?;
        let (micros, id) = payload.split_first_chunk::<8>()?;
        Some(Place {
            created_at: UnixMicros(i64::from_be_bytes(*micros)),
            id: std::str::from_utf8(id).ok()?.to_owned(),
        })
    }

    fn mac(&self, query: &Query, payload: &[u8]) -> Hmac<Sha256> {
        let mut mac = Hmac::<Sha256>::new(self.key.padded().into());
        mac.update(b"limn.page/1\0");
        // The length keeps the two parts from flowing into each other.
        mac.update(&(payload.len() as u64).to_be_bytes());
        mac.update(payload);
        mac.update(&query.identity);
        mac
    }
}

/// The number of records to return: 50 when none is asked for, never more than 200. Nothing when negative.
pub(crate) fn page_size(asked: i32) -> Option<u32> {
    match u32::try_from(asked) {
        Ok(0) => Some(DEFAULT_PAGE_SIZE),
        Ok(size) => Some(size.min(MAX_PAGE_SIZE)),
        Err(_) => None,
    }
}

/// What to ask the records for: one more than the page holds, to learn whether there is a next page.
pub(crate) fn page_and_one(size: u32, place: Option<Place>) -> Page {
    Page {
        limit: size.saturating_add(1),
        after: place.map(|place| (place.created_at, place.id)),
    }
}

#[cfg(test)]
mod tests {
    use limn_proto::v1::ListImagesRequest;

    use super::*;

    fn tokens(key: u8) -> PageTokens {
        PageTokens::new(SigningKey::new([key; 32]))
    }

    fn query(parent: &str) -> Query {
        let request = ListImagesRequest {
            parent: parent.to_owned(),
            ..Default::default()
        };
        Query::new("ListImages", &request)
    }

    fn place() -> Place {
        Place {
            created_at: UnixMicros(1_700_000_000_000_001),
            id: "0190".to_owned(),
        }
    }

    #[test]
    fn a_token_leads_back_to_its_place() {
        let token = tokens(1).issue(&query("clients/alice"), &place());
        let read = tokens(1).read(&query("clients/alice"), &token).unwrap();
        assert_eq!(read, Some(place()));
        assert_eq!(tokens(1).read(&query("clients/alice"), "").unwrap(), None);
    }

    #[test]
    fn a_token_of_another_query_list_or_server_is_refused() {
        let token = tokens(1).issue(&query("clients/alice"), &place());
        let other_list = Query::new("ListPlans", &ListImagesRequest::default());
        for (tokens, query) in [
            (tokens(1), query("clients/bob")),
            (tokens(1), other_list),
            (tokens(2), query("clients/alice")),
        ] {
            let refusal = tokens.read(&query, &token).unwrap_err();
            assert_eq!(refusal.reason, Reason::BadPageToken);
        }
    }

    #[test]
    fn a_token_with_any_changed_byte_is_refused() {
        let token = tokens(1).issue(&query("clients/alice"), &place());
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for index in 0..bytes.len() {
            let mut forged = bytes.clone();
            forged[index] ^= 1;
            let forged = URL_SAFE_NO_PAD.encode(forged);
            assert!(
                tokens(1).read(&query("clients/alice"), &forged).is_err(),
                "{index}"
            );
        }
        for garbage in ["x", "not base64!", "AAAA", &token[..token.len() - 4]] {
            assert!(tokens(1).read(&query("clients/alice"), garbage).is_err());
        }
    }

    #[test]
    fn a_page_stops_at_its_size_and_before_it_grows_too_large() {
        let fill = |records: &[usize], size| {
            let encode = |bytes: &usize| {
                Ok(ListImagesRequest {
                    parent: "x".repeat(*bytes),
                    ..Default::default()
                })
            };
            let (page, next) = tokens(1)
                .fill(&query("clients/alice"), size, records, encode, |_| place())
                .unwrap();
            (page.len(), !next.is_empty())
        };
        assert_eq!(fill(&[], 2), (0, false));
        assert_eq!(fill(&[1, 1], 2), (2, false));
        assert_eq!(fill(&[1, 1, 1], 2), (2, true));
        let large = 2 * 1024 * 1024;
        assert_eq!(fill(&[large, large], 2), (1, true));
        assert_eq!(fill(&[2 * large, 1], 2), (1, true));
        assert_eq!(fill(&[2 * large], 2), (1, false));
    }

    #[test]
    fn sizes_are_defaulted_and_cut() {
        assert_eq!(page_size(0), Some(50));
        assert_eq!(page_size(7), Some(7));
        assert_eq!(page_size(1_000_000), Some(200));
        assert_eq!(page_size(-1), None);
    }
}
