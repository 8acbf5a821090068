//! A second provider for pictures that the first one does not draw.

use limn_fakes::{Case, Fake};
use tokio::runtime::Runtime;

use super::{limn::Ran, paying::Paying};

/// OpenAI at a fake, and Stability AI at another one for what is proven unpaid there.
struct Two {
    openai: Paying,
    stability: Fake,
    _runtime: Runtime,
}

#[expect(clippy::unwrap_used, reason = "a story stops where its tools fail")]
impl Two {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        Self {
            openai: Paying::new(),
            stability: runtime.block_on(Fake::start("stability")),
            _runtime: runtime,
        }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let base_url = format!("providers.stability.base_url={}", self.stability.base_url());
        let mut command = self.openai.command(arguments);
        command
            .args(["--set", &base_url])
            .env("STABILITY_API_KEY", Fake::KEY);
        command.output().unwrap().into()
    }

    /// A size that both draw.
    fn render(&self) -> Ran {
        let size = ["--size", "1536x1536"];
        let providers = ["--provider", "openai", "--fallback", "stability"];
        self.run(&[&["render", "a tower"][..], &size, &providers].concat())
    }
}

#[test]
fn a_render_says_who_drew_what_it_cost_there_and_why_not_the_first() {
    let two = Two::new();
    two.openai.provider.next(Case::Quota);
    let ran = two.render();
    assert_eq!(ran.code, 0, "{ran:?}");
    let drawn = ran.stdout.lines().find(|line| line.starts_with("image-1"));
    let drawn = drawn.unwrap_or_else(|| panic!("{ran:?}"));
    assert!(drawn.contains("stability/v2beta/core, 1536x1536"), "{ran:?}");
    // Stability tells no cost: it is the price of the plan.
    assert!(drawn.ends_with("paid $0.03 (estimated)"), "{ran:?}");
    assert!(
        ran.stdout.contains("expected $0.11854, paid $0.03 (estimated)\n"),
        "{ran:?}"
    );
    // On the way it is told why another one drew it.
    assert!(
        ran.stderr.contains("openai") && ran.stderr.contains("PROVIDER_ACCOUNT"),
        "{ran:?}"
    );
    assert_eq!((two.openai.provider.calls(), two.stability.calls()), (1, 1));

    let execution = ran
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("execution  "));
    let told = two.run(&["executions", execution.unwrap_or_default()]);
    assert_eq!(told.code, 0, "{told:?}");
    let attempts: Vec<&str> = told
        .stdout
        .lines()
        .filter(|line| line.starts_with("  attempt "))
        .collect();
    let [refused, drawn] = attempts.as_slice() else {
        panic!("{told:?}")
    };
    assert!(
        refused.contains("1 at openai/") && refused.contains("not billed"),
        "{told:?}"
    );
    assert!(
        drawn.contains("2 at stability/v2beta/core") && drawn.contains("billed $0.03"),
        "{told:?}"
    );
}

#[test]
fn an_outcome_that_nobody_knows_goes_to_no_fallback() {
    let two = Two::new();
    two.openai.provider.next(Case::Disconnect);
    let ran = two.render();
    assert_eq!(ran.code, 6, "{ran:?}");
    assert!(ran.stderr.contains("OUTCOME_UNKNOWN"), "{ran:?}");
    assert_eq!((two.openai.provider.calls(), two.stability.calls()), (1, 0));
}
