//! What must come of a case, whoever the provider is.

use limn_executor::{artifact, provider::Billing};
use limn_fakes::{Case, Fake};
use limn_proto::reason::Reason;

use crate::drive::{Ended, Order};

/// Fails when something came of a case that must not.
pub(crate) fn check(name: &str, case: &Case, fake: &Fake, order: &Order, ended: &Ended) {
    let told = || format!("{name}: {ended:?}");
    assert_eq!(fake.calls(), 1, "one call, whatever comes of it; {}", told());
    assert!(
        fake.requests()
            .iter()
            .filter(|request| request.is_call)
            .all(|call| call.had_the_key),
        "the key goes along"
    );
    // What is taken for free is free, and what is charged is paid, held, or looked at by somebody.
    if fake.charged() > 0 {
        let is_free = matches!(ended, Ended::Rejected(rejection) if rejection.billing == Billing::No)
            || matches!(ended, Ended::Unsent(_));
        assert!(!is_free, "a charge was taken for free; {}", told());
    }
    let has_jobs = fake.has_jobs();
    match case.inner() {
        Case::Success => drawn(ended, order),
        Case::Refusal(_) => {
            let reason = match ended {
                Ended::Rejected(rejection) => rejection.reason,
                Ended::Unusable(error) => error.reason,
                _ => panic!("{}", told()),
            };
            assert_eq!(reason, Reason::ContentBlocked, "{}", told());
        }
        Case::RateLimited => {
            let rejection = rejected(ended, &[Reason::ProviderRateLimited]);
            assert!(rejection, "{}", told());
        }
        Case::Quota | Case::BadKey => assert!(rejected(ended, &[Reason::ProviderAccount]), "{}", told()),
        Case::RetiredModel | Case::BadRequest => {
            assert!(rejected(ended, &[Reason::ProviderRejected]), "{}", told());
        }
        Case::ServerError => {
            let is_known = rejected(ended, &[Reason::ProviderUnavailable]);
            assert!(is_known || matches!(ended, Ended::Unknown(_)), "{}", told());
        }
        // Whether work that began and failed is billed is said by few: where nobody says, the money is held.
        Case::JobFailed => assert!(
            matches!(ended, Ended::Rejected(rejection)
                if [Reason::ProviderUnavailable, Reason::ProviderRejected].contains(&rejection.reason)),
            "{}",
            told()
        ),
        Case::JobHangs => assert!(matches!(ended, Ended::Pending), "{}", told()),
        Case::NoPicture => {
            let is_known = matches!(ended, Ended::Unusable(error) if error.reason == Reason::NoImage);
            assert!(is_known || matches!(ended, Ended::Rejected(_)), "{}", told());
        }
        Case::Malformed => assert!(
            matches!(ended, Ended::Unusable(_) | Ended::Unknown(_)),
            "{}",
            told()
        ),
        Case::Truncated | Case::GatewayPage(_) | Case::Disconnect => {
            assert!(matches!(ended, Ended::Unknown(_)), "{}", told());
        }
        Case::Oversized(_) => {
            let is_known = matches!(ended, Ended::Unusable(error) if error.reason == Reason::ImageInvalid);
            assert!(
                is_known || (has_jobs && matches!(ended, Ended::Unknown(_))),
                "{}",
                told()
            );
        }
        Case::Bomb => {
            let Ended::Drawn(_, rendered) = ended else {
                panic!("{}", told());
            };
            inspect(&rendered.image, order).unwrap_err();
        }
        Case::WrongSize(..) | Case::After(..) | Case::Halfway(_) | Case::Bytes(_) | Case::Says { .. } => {}
    }
}

/// True when the call was rejected for one of these reasons, and nothing is billed.
fn rejected(ended: &Ended, reasons: &[Reason]) -> bool {
    matches!(ended, Ended::Rejected(rejection)
        if reasons.contains(&rejection.reason) && rejection.billing == Billing::No)
}

/// Fails when there is no picture as it was ordered.
pub(crate) fn drawn(ended: &Ended, order: &Order) {
    let Ended::Drawn(_, rendered) = ended else {
        panic!("{ended:?}");
    };
    inspect(&rendered.image, order).unwrap();
}

fn inspect(image: &bytes::Bytes, order: &Order) -> Result<(), String> {
    let expected = artifact::Expected {
        format: order.render.format,
        width_px: order.render.width_px,
        height_px: order.render.height_px,
    };
    let inspected = artifact::inspect(image, &expected, &artifact::Limits::default());
    inspected.map(drop).map_err(|error| format!("{error:?}"))
}
