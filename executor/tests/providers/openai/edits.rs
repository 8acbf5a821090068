//! Drawings that refer to pictures.

use bytes::Bytes;
use limn_executor::{plan::Render, provider::Reference};
use limn_fakes::Case;
use serde_json::json;

use super::{answered, edited, order, references, refused, render, with_option};
use crate::drive::Order;

fn png(bytes: Bytes) -> Reference {
    Reference {
        media_type: "image/png".to_owned(),
        bytes,
    }
}

fn edit(render: Render, references: Vec<Reference>) -> Order {
    Order {
        references,
        ..order(render)
    }
}

#[tokio::test]
async fn pictures_go_along_in_their_order_with_the_same_fields() {
    let render = with_option(edited(), "output_compression", "80");
    let order = edit(render, references());
    let (fake, answer) = answered(Case::Success, &order).await;
    answer.unwrap();
    let requests = fake.requests();
    let [request] = requests.as_slice() else {
        panic!("{requests:?}")
    };
    assert_eq!(
        (request.method.as_str(), request.path.as_str()),
        ("POST", "/v1/images/edits")
    );
    assert_eq!(
        request.fields,
        json!({"image[]": ["<binary>", "<binary>", "<binary>"], "model": "gpt-image-2",
               "prompt": order.render.prompt, "n": "1", "size": "64x48", "quality": "high",
               "output_format": "png", "background": "opaque", "output_compression": "80"})
    );
    let sent = request.files.iter();
    let sent: Vec<_> = sent.map(|(name, bytes)| (name.as_str(), &bytes[..])).collect();
    let given = order.references.iter();
    let given: Vec<_> = given.map(|reference| ("image[]", &reference.bytes[..])).collect();
    assert_eq!(sent, given);
    assert_eq!(request.headers["openai-organization"], "org-1");
    assert!(
        request.headers.contains_key("content-length"),
        "nothing is sent in chunks"
    );
}

#[tokio::test]
async fn sixteen_small_pictures_are_taken() {
    let order = edit(edited(), vec![png(Bytes::from_static(b"p")); 16]);
    let (fake, answer) = answered(Case::Success, &order).await;
    answer.unwrap();
    assert_eq!(fake.requests()[0].files.len(), 16);
}

#[tokio::test]
async fn what_the_api_would_refuse_is_not_sent() {
    let small = || png(Bytes::from_static(b"p"));
    let large = png(Bytes::from(vec![0; 50_000_000]));
    let drawn = Reference {
        media_type: "image/svg+xml".to_owned(),
        ..small()
    };
    for (order, word) in [
        (edit(edited(), vec![small(); 17]), "17 pictures"),
        (
            edit(edited(), vec![small(), large]),
            "reference 2 has 50000000 bytes",
        ),
        (edit(edited(), vec![drawn]), "image/svg+xml"),
        (edit(render(), vec![small()]), "moderation"),
    ] {
        let message = refused(&order).await;
        assert!(message.contains(word), "{message}");
    }
}
