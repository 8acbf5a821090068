//! The words of the command line, as clap reads them.

use std::path::PathBuf;

use clap::{ArgAction, ArgGroup, Args, Parser, Subcommand, ValueEnum};

use limn_proto::plan::Money;

use super::{
    detect::DetectArgs,
    document::DocumentArgs,
    references::ImportArgs,
    request::RequestFlags,
    retry::RetryArgs,
    review::{EditArgs, ReviewArgs},
    sessions::{SessionArgs, SessionsArgs},
    verify::VerifyPicturesArgs,
    views::ViewsArgs,
};

/// Stands at the end of every `--help`.
const EXIT_CODES: &str = "\
Exit codes:
  0    done
  1    internal error
  2    wrong usage or an invalid request
  3    refused: a precondition, a budget, a price, a stale or expired plan
  4    not found
  5    the execution failed or was cancelled; finished pictures stay
  6    the outcome of a paid call is unknown and needs a decision
  7    unavailable
  130  interrupted";

/// Image generation that plans before it spends, and never pays twice for the same picture.
#[derive(Debug, Parser)]
#[command(name = "limn", version, after_help = EXIT_CODES, propagate_version = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Flags that every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub(crate) struct Global {
    /// Configuration file, TOML.
    #[arg(long, global = true, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// Folder of the database and the pictures.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) data_dir: Option<String>,
    /// Database instead of the one in the data folder: an address of Postgres, or a file of SQLite.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database: Option<String>,
    /// Store of the pictures instead of the folder in the data folder: a folder, `s3://bucket/prefix`, `cloudinary:`,
    /// `vercel-blob:` or `memory:`.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) store: Option<String>,
    /// Client that plans, executions and images belong to [default: default].
    #[arg(long, global = true, value_name = "ID")]
    pub(crate) client: Option<String>,
    /// Use this running server instead of the data folder.
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) server: Option<String>,
    /// Print JSON on stdout, and errors as JSON on stderr.
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print nothing but results and errors.
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// Log more; twice logs the investigation.
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub(crate) verbose: u8,
    /// Set any configuration key; `limn check-config` shows the keys.
    #[arg(long = "set", global = true, value_name = "KEY=VALUE")]
    pub(crate) set: Vec<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Plan and draw pictures, one for each prompt.
    Render(Box<RenderArgs>),
    /// Draw the pictures that a document asks for, and put them into it.
    Document(Box<DocumentArgs>),
    /// Plan and draw one subject from several sides, with one seed.
    Views(Box<ViewsArgs>),
    /// Say what a request would draw and cost. Nothing is written, sent or spent.
    Plan(Box<PlanArgs>),
    /// Check a plan against its digest and the present catalog.
    Check(CheckArgs),
    /// Execute a plan from a file, a stored plan, or a digest.
    Execute(ExecuteArgs),
    /// Follow an execution until it ends.
    Watch(WatchArgs),
    /// Ask an execution to stop. Calls in flight are settled, their pictures kept.
    Cancel(NameArg),
    /// Decide about a call whose outcome, or whose bill, is unknown. Without a decision: show what there is.
    Resolve(ResolveArgs),
    /// Let an execution run again that is parked because the processes that ran it died.
    Unpark(UnparkArgs),
    /// List stored plans, or show one.
    Plans(PlansArgs),
    /// List executions, or show one.
    Executions(ExecutionsArgs),
    /// List images, show one, make addresses, save copies, delete one.
    Images(ImagesArgs),
    /// List sessions, newest activity first.
    Sessions(SessionsArgs),
    /// Say how far a session is, what it cost and what came of it; export it, or draw what failed.
    Session(SessionArgs),
    /// Approve or reject pictures, or take that back.
    Review(ReviewArgs),
    /// Correct what was written about a picture: alternative text, caption, place in its post, labels.
    Edit(Box<EditArgs>),
    /// Draw what an execution left undone. Pays only for what is missing.
    Retry(RetryArgs),
    /// Remove what is stored without a record and what is recorded without an object, of all clients.
    Sweep(SweepArgs),
    /// Take in pictures to draw from; `limn render --reference` does so by itself.
    Import(ImportArgs),
    /// Say whether pictures carry Content Credentials, whether these hold, and what they tell.
    Verify(VerifyPicturesArgs),
    /// Say whether pictures come from here, even re-encoded or resized.
    Detect(DetectArgs),
    /// Show what may be spent, or change it.
    Budget(BudgetArgs),
    /// Say what was used of each model, and what it cost.
    Usage(UsageArgs),
    /// Check the books, or say who did what.
    Audit(AuditArgs),
    /// Serve the API on one port.
    Serve(ServeArgs),
    /// Print the effective configuration without secrets, or everything that is wrong with it.
    CheckConfig,
    /// Say what works and what does not. Nothing is spent.
    Doctor,
}

#[derive(Debug, Args)]
pub(crate) struct RenderArgs {
    #[command(flatten)]
    pub(crate) request: RequestFlags,
    #[command(flatten)]
    pub(crate) order: OrderFlags,
    /// Also copy the pictures into this folder. A file with other content is never overwritten.
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Also make a signed address for each picture that works this long, for example 90s, 15m, 2h or 7d.
    #[arg(long, value_name = "TTL", value_parser = super::names::parse_ttl)]
    pub(crate) url: Option<i64>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    #[command(flatten)]
    pub(crate) request: RequestFlags,
    /// Write the plan to this file: JSON, or with --canonical the bytes that the digest is over.
    #[arg(long, value_name = "FILE")]
    pub(crate) out: Option<PathBuf>,
    /// The bytes that the digest is over, instead of a text for people.
    #[arg(long)]
    pub(crate) canonical: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Plan as JSON or as canonical bytes; `-` for stdin.
    #[arg(value_name = "FILE")]
    pub(crate) plan: PathBuf,
}

/// How to run a plan; none of it changes the plan.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Order")]
pub(crate) struct OrderFlags {
    /// Which drawing of the plan: a higher number draws, and pays, again.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) take: u32,
    /// Idempotency key: the same key with the same order is the same execution.
    #[arg(long, value_name = "KEY")]
    pub(crate) request_id: Option<String>,
    /// What to do about earlier results.
    #[arg(long, value_enum, default_value_t = Mode::Reuse)]
    pub(crate) mode: Mode,
    /// Most pictures in progress at once; can only lower the plan's number.
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(crate) max_concurrency: u32,
    /// Run although prices rose since planning.
    #[arg(long)]
    pub(crate) accept_price_drift: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Mode {
    /// Pictures that exist are taken as they are, at no cost.
    Reuse,
    /// Only the steps that did not complete the last time.
    Resume,
}

#[derive(Debug, Args)]
pub(crate) struct ExecuteArgs {
    /// Plan: a file (JSON or canonical bytes), `-` for stdin, a plan name, or a digest.
    #[arg(value_name = "PLAN")]
    pub(crate) plan: String,
    #[command(flatten)]
    pub(crate) order: OrderFlags,
    /// Return as soon as the order is accepted. Needs a running server.
    #[arg(long)]
    pub(crate) detach: bool,
    /// Also copy the pictures into this folder.
    #[arg(long, value_name = "DIR", conflicts_with = "detach")]
    pub(crate) out: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct NameArg {
    /// Name or id of the execution.
    #[arg(value_name = "EXECUTION")]
    pub(crate) name: String,
}

#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    #[command(flatten)]
    pub(crate) execution: NameArg,
    /// Only events after this sequence.
    #[arg(long, value_name = "SEQUENCE")]
    pub(crate) after: Option<u64>,
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("decision").args(["not_charged", "charged"]).requires("reason")))]
#[command(group(ArgGroup::new("follow_up").args(["retry", "fail"]).requires("decision")))]
pub(crate) struct ResolveArgs {
    #[command(flatten)]
    pub(crate) execution: NameArg,
    /// Id of the attempt; only needed when there are several to decide about.
    #[arg(value_name = "ATTEMPT")]
    pub(crate) attempt: Option<String>,
    /// Nothing was billed: what is held is released, what was written off is paid back to the budget.
    #[arg(long)]
    pub(crate) not_charged: bool,
    /// It was billed, and there is no picture: this amount is settled, or without one the most it can have cost.
    #[arg(long, value_name = "AMOUNT", value_parser = super::money::parse)]
    pub(crate) charged: Option<Option<Money>>,
    /// Draw the picture again, paid.
    #[arg(long)]
    pub(crate) retry: bool,
    /// Let the picture fail.
    #[arg(long)]
    pub(crate) fail: bool,
    /// Who decides; kept in the audit log [default: the user who runs limn].
    #[arg(long, value_name = "NAME", requires = "decision")]
    pub(crate) actor: Option<String>,
    /// Why; kept in the audit log.
    #[arg(long, value_name = "TEXT", requires = "decision")]
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct UnparkArgs {
    #[command(flatten)]
    pub(crate) execution: NameArg,
    /// Who decides; kept in the audit log [default: the user who runs limn].
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Why; kept in the audit log.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

/// Which part of a list.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Listing")]
pub(crate) struct Paging {
    /// Most entries to list.
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) limit: u32,
    /// Go on where a list ended.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    pub(crate) page_token: String,
}

#[derive(Debug, Args)]
pub(crate) struct PlansArgs {
    /// Name or digest of one plan.
    #[arg(value_name = "PLAN")]
    pub(crate) name: Option<String>,
    /// Only plans of this session.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) session: String,
    /// Delete the named plan. Images and past executions stay.
    #[arg(long, requires = "name")]
    pub(crate) delete: bool,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct ExecutionsArgs {
    /// Name or id of one execution.
    #[arg(value_name = "EXECUTION")]
    pub(crate) name: Option<String>,
    /// Only executions of this plan: a name or a digest.
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<String>,
    /// Only executions in one of these states.
    #[arg(long, value_name = "STATES", value_delimiter = ',')]
    pub(crate) state: Vec<super::words::StateWord>,
    /// Only executions of this session.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) session: String,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct ImagesArgs {
    /// Name or id of one image.
    #[arg(value_name = "IMAGE")]
    pub(crate) name: Option<String>,
    #[command(flatten)]
    pub(crate) filter: ImageFilterFlags,
    /// Make a signed address for each image that works this long, for example 90s, 15m, 2h or 7d.
    #[arg(long, value_name = "TTL", value_parser = super::names::parse_ttl)]
    pub(crate) url: Option<i64>,
    /// Copy the pictures into this folder. A file with other content is never overwritten.
    #[arg(long, value_name = "DIR")]
    pub(crate) save: Option<PathBuf>,
    /// Delete the named image. What it cost stays in the books.
    #[arg(long, requires = "name", requires = "reason", conflicts_with_all = ["url", "save"])]
    pub(crate) delete: bool,
    /// Who decides; kept in the audit log [default: the user who runs limn].
    #[arg(long, value_name = "NAME", requires = "delete")]
    pub(crate) actor: Option<String>,
    /// Why it is deleted; kept in the audit log.
    #[arg(long, value_name = "TEXT", requires = "delete")]
    pub(crate) reason: Option<String>,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct SweepArgs {
    /// Only say what there is.
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Only what is older, for example 36h or 7d; at least 1h.
    #[arg(long, value_name = "AGE", default_value = "24h", value_parser = super::names::parse_ttl)]
    pub(crate) older_than: i64,
}

/// Conditions that all must hold.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Filter")]
pub(crate) struct ImageFilterFlags {
    /// Only images of this session.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) session: String,
    /// Only images drawn by this provider.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) provider: String,
    /// Only images of this plan: a name or a digest.
    #[arg(long, value_name = "PLAN")]
    pub(crate) plan: Option<String>,
    /// Only images of this execution: a name or an id.
    #[arg(long, value_name = "EXECUTION")]
    pub(crate) execution: Option<String>,
    /// Only images of this post, in the order in which they stand in it.
    #[arg(long, value_name = "ID", default_value = "", hide_default_value = true)]
    pub(crate) post: String,
    /// Only images of these classes.
    #[arg(long = "type", value_name = "TYPES", value_delimiter = ',')]
    pub(crate) image_type: Vec<super::words::ImageTypeWord>,
    /// Only images with this verdict of a person; none: those that wait for one.
    #[arg(long, value_enum, value_name = "VERDICT")]
    pub(crate) verdict: Option<super::words::VerdictWord>,
    /// Only images that a person approved; the same as --verdict approved.
    #[arg(long, conflicts_with = "verdict")]
    pub(crate) approved: bool,
    /// Only images with this label; may be repeated.
    #[arg(long, value_name = "KEY=VALUE", value_parser = super::names::parse_pair)]
    pub(crate) label: Vec<(String, String)>,
}

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct BudgetArgs {
    #[command(subcommand)]
    pub(crate) command: Option<BudgetCommand>,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BudgetCommand {
    /// Change the limit or the period of a budget, or make one.
    Set(SetBudgetArgs),
}

#[derive(Debug, Args)]
#[command(group(ArgGroup::new("change").args(["limit", "no_limit", "period"]).required(true).multiple(true)))]
pub(crate) struct SetBudgetArgs {
    /// Most that may be spent, reserved and held together in one period, for example 25.00 or "25.00 EUR".
    #[arg(long, value_name = "AMOUNT")]
    pub(crate) limit: Option<String>,
    /// Take the limit away.
    #[arg(long, conflicts_with = "limit")]
    pub(crate) no_limit: bool,
    /// How long a period is; days and months begin at midnight, UTC.
    #[arg(long, value_enum)]
    pub(crate) period: Option<super::words::PeriodWord>,
    /// The budget of this session instead of that of the client.
    #[arg(long, value_name = "ID")]
    pub(crate) session: Option<String>,
    /// Currency of the budget [default: that of the limit, or else USD].
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
    /// Only if nobody changed the budget since it had this tag; `limn budget --json` shows it.
    #[arg(long, value_name = "TAG")]
    pub(crate) etag: Option<String>,
    /// Who decides; kept in the audit log [default: the user who runs limn].
    #[arg(long, value_name = "NAME")]
    pub(crate) actor: Option<String>,
    /// Why; kept in the audit log.
    #[arg(long, value_name = "TEXT")]
    pub(crate) reason: String,
}

#[derive(Debug, Args)]
pub(crate) struct UsageArgs {
    /// How many days, today included, in UTC.
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=366))]
    pub(crate) days: u32,
    /// Only what was priced in this currency [default: USD].
    #[arg(long, value_name = "CODE")]
    pub(crate) currency: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Compare every balance with the ledger, and look for gaps in histories. Changes nothing.
    Verify(VerifyArgs),
    /// List who did what to money and executions, newest first.
    List(ListAuditArgs),
}

#[derive(Debug, Args)]
pub(crate) struct VerifyArgs {
    /// The books of every client, not only those of one.
    #[arg(long)]
    pub(crate) all_clients: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ListAuditArgs {
    /// Only this action, for example budget.update.
    #[arg(long, value_name = "ACTION", default_value = "", hide_default_value = true)]
    pub(crate) action: String,
    #[command(flatten)]
    pub(crate) paging: Paging,
}

#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Address and port; port 0 takes a free one, which is printed.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub(crate) listen: Option<String>,
}
