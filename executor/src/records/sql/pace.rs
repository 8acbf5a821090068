//! Turns at providers, and how providers do. Every question about a turn locks the row of its provider first, so
//! two processes never take the last turn together.

use std::time::Duration;

use prost::Message as _;

use super::{
    super::{
        Fence, GateRecord, Result, Sign, StepNote, StepState, StepWait, Turn, TurnRequest, TurnWait,
        WaitReason,
    },
    events::append,
    lifecycle::step,
    owned::owned,
    rows::{Fields, Row},
    statement::{Statement, sql},
    tx::Tx,
};
use crate::{
    clock::UnixMicros,
    events::step_changed,
    ids::{BootId, TurnId},
    snapshot,
};

/// How far back calls are counted that were begun.
const MINUTE: Duration = Duration::from_secs(60);

const GATES: &str =
    "SELECT provider, failures, trips, open_us, cooling_us, why, updated_us FROM provider_gates";

/// A turn, as far as others have to know it.
struct Place {
    id: String,
    boot: BootId,
    is_waiting: bool,
    is_calling: bool,
    is_probing: bool,
    asked: UnixMicros,
    begun: Option<UnixMicros>,
}

/// Gives a turn when the provider can take one more call, or says what it waits for.
pub(super) async fn take(tx: &mut Tx<'_>, request: &TurnRequest) -> Result<Turn> {
    let gate = locked_gate(tx, &request.provider).await?;
    // Asked for after the lock: others wrote until then.
    let now = tx.now().await?;
    expire(tx, &request.provider, now);
    let places = places(tx, &request.provider).await?;
    let own_id = request.turn.to_string();
    let own = places.iter().find(|place| place.id == own_id);
    let is_clear = gate.is_clear(now);
    if own.is_some_and(|own| own.is_calling) {
        return Ok(Turn::Granted { is_clear });
    }
    let asked = own.map_or(now, |own| own.asked);
    let (state, answer) = match hindrance(&gate, request, &places, asked, now) {
        Some(wait) if !request.in_progress => ("waiting", Turn::Wait(wait)),
        _ if gate.open_until.is_some() && !request.in_progress => ("probing", Turn::Granted { is_clear }),
        _ => ("calling", Turn::Granted { is_clear }),
    };
    // A closed provider has no line: when it works again everybody asks anew.
    if matches!(&answer, Turn::Wait(wait) if wait.reason == WaitReason::Unavailable) {
        delete(tx, &own_id);
        return Ok(answer);
    }
    sql(
        "INSERT INTO provider_turns (id, provider, boot_id, state, asked_us, begun_us, lease_us) \
         VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO UPDATE SET \
         state = excluded.state, begun_us = excluded.begun_us, lease_us = excluded.lease_us",
    )
    .bind(own_id)
    .bind(&request.provider)
    .bind(request.boot.to_string())
    .bind(state)
    .bind(asked.0)
    .bind((state != "waiting").then_some(now.0))
    .bind(now.plus(request.lease).0)
    .later(tx);
    Ok(answer)
}

/// What stands in the way of a call now.
fn hindrance(
    gate: &GateRecord,
    request: &TurnRequest,
    places: &[Place],
    asked: UnixMicros,
    now: UnixMicros,
) -> Option<TurnWait> {
    let own_id = request.turn.to_string();
    let comes_before = |place: &&Place| place.is_waiting && (place.asked, &place.id) < (asked, &own_id);
    let ahead = places.iter().filter(comes_before).count();
    let calling = places.iter().filter(|place| place.is_calling).count();
    let is_shared = places
        .iter()
        .any(|place| (place.is_calling || place.is_waiting) && place.boot != request.boot);
    let wait = |reason, until: Option<UnixMicros>| TurnWait {
        reason,
        delay: until.map(|until| until.since(now)),
        ahead: u32::try_from(ahead).unwrap_or(u32::MAX),
        is_shared,
        why: gate.why.clone(),
    };
    if let Some(until) = gate.open_until {
        if now < until {
            return Some(wait(WaitReason::Unavailable, Some(until)));
        }
        if places.iter().any(|place| place.is_probing) {
            return Some(wait(WaitReason::Unavailable, None));
        }
    }
    if let Some(until) = gate.cooling_until.filter(|until| now < *until) {
        return Some(wait(WaitReason::Cooldown, Some(until)));
    }
    let limit =
        |limit: Option<u32>| limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let per_minute = limit(request.limits.calls_per_minute);
    let mut begun: Vec<UnixMicros> = places.iter().filter_map(|place| place.begun).collect();
    begun.retain(|begun| now < begun.plus(MINUTE));
    begun.sort_unstable();
    if begun.len().saturating_add(ahead) >= per_minute {
        // There is room for one more once this call is a minute old.
        let last = begun.len().saturating_add(ahead).saturating_sub(per_minute);
        let until = begun
            .get(last)
            .or_else(|| begun.last())
            .map(|begun| begun.plus(MINUTE));
        return Some(wait(WaitReason::Rate, until));
    }
    (calling.saturating_add(ahead) >= limit(request.limits.max_concurrency))
        .then(|| wait(WaitReason::Concurrency, None))
}

/// Extends the leases of turns of this process.
pub(super) async fn renew(tx: &mut Tx<'_>, boot: BootId, turns: &[TurnId], lease: Duration) -> Result<()> {
    if turns.is_empty() {
        return Ok(());
    }
    let until = tx.now().await?.plus(lease);
    let mut statement = sql("UPDATE provider_turns SET lease_us = ");
    statement.push_bind(until.0).push(" WHERE boot_id = ");
    statement.push_bind(boot.to_string());
    statement.push(" AND state <> 'ended' AND id IN (");
    statement.push_list(turns.iter().map(TurnId::to_string)).push(")");
    statement.later(tx);
    Ok(())
}

/// Gives a turn back. One that counts in its minute stays known for that long.
pub(super) async fn leave(tx: &mut Tx<'_>, turn: TurnId, counts: bool) -> Result<()> {
    if counts {
        delete_waiting(tx, turn);
        sql("UPDATE provider_turns SET state = 'ended' WHERE id = $1")
            .bind(turn.to_string())
            .later(tx);
    } else {
        delete(tx, &turn.to_string());
    }
    tx.flush().await
}

/// Notes what was learnt about a provider.
pub(super) async fn sign(tx: &mut Tx<'_>, provider: &str, sign: &Sign) -> Result<GateRecord> {
    let mut gate = locked_gate(tx, provider).await?;
    let now = tx.now().await?;
    match sign {
        Sign::Answered => {
            (gate.failures, gate.trips, gate.open_until) = (0, 0, None);
            if gate.cooling_until.is_none_or(|until| until <= now) {
                gate.cooling_until = None;
                gate.why = String::new();
            }
        }
        Sign::Unavailable { why, breaker } => {
            gate.failures = gate.failures.saturating_add(1);
            gate.why.clone_from(why);
            let is_open = gate.open_until.is_some_and(|until| now < until);
            // After a try in vain; calls that were in progress when it opened say nothing new.
            let opens = gate.trips > 0 || breaker.failures > 0 && gate.failures >= breaker.failures;
            if opens && !is_open {
                gate.trips = gate.trips.saturating_add(1);
                gate.open_until = Some(now.plus(breaker.open_for(gate.trips)));
            }
        }
        Sign::Busy { pause, why } => {
            // It answered, so it is there.
            (gate.failures, gate.trips, gate.open_until) = (0, 0, None);
            gate.cooling_until = gate.cooling_until.max(Some(now.plus(*pause)));
            gate.why.clone_from(why);
        }
    }
    gate.updated_at = now;
    sql(
        "UPDATE provider_gates SET failures = $2, trips = $3, open_us = $4, cooling_us = $5, why = $6, \
         updated_us = $7 WHERE provider = $1",
    )
    .bind(provider)
    .bind(gate.failures)
    .bind(gate.trips)
    .bind(gate.open_until.map(|until| until.0))
    .bind(gate.cooling_until.map(|until| until.0))
    .bind(&gate.why)
    .bind(now.0)
    .later(tx);
    Ok(gate)
}

/// Every provider of which something is known.
pub(super) async fn gates(tx: &mut Tx<'_>) -> Result<(Vec<GateRecord>, UnixMicros)> {
    let now = tx.now().await?;
    let mut query = sql(GATES);
    query.push(" ORDER BY provider");
    let rows = query.fetch_all(tx).await?;
    let mut gates: Vec<GateRecord> = rows.iter().map(gate).collect::<Result<_>>()?;
    let counts = sql(
        "SELECT provider, state, COUNT(*) AS turns FROM provider_turns WHERE lease_us > $1 AND state <> 'ended' \
         GROUP BY provider, state",
    )
    .bind(now.0)
    .fetch_all(tx)
    .await?;
    for row in &counts {
        let fields = Fields(row);
        let (provider, state, turns) = (
            fields.text("provider")?,
            fields.text("state")?,
            fields.number::<u32>("turns")?,
        );
        for gate in gates.iter_mut().filter(|gate| gate.provider == provider) {
            match state.as_str() {
                "waiting" => gate.waiting = gate.waiting.saturating_add(turns),
                _ => gate.calling = gate.calling.saturating_add(turns),
            }
        }
    }
    Ok((gates, now))
}

/// Notes something about a step that is in progress, and tells it.
pub(super) async fn note(
    tx: &mut Tx<'_>,
    fence: &Fence,
    step_id: &str,
    note: &StepNote,
    now: UnixMicros,
) -> Result<()> {
    let mut execution = owned(tx, fence).await?;
    let mut step = step(tx, &execution, step_id).await?;
    if step.state != StepState::Processing {
        return Ok(());
    }
    match note {
        StepNote::Waiting(wait) => {
            let made = sql("SELECT COUNT(*) AS made FROM attempts WHERE execution_id = $1 AND step_id = $2")
                .bind(execution.id.to_string())
                .bind(step_id)
                .fetch_one(tx)
                .await?;
            let made: u32 = Fields(&made).number("made")?;
            step.wait = Some(StepWait {
                attempt: made.saturating_add(1),
                ..wait.clone()
            });
        }
        StepNote::Skipped(passed) => step.skipped_targets.push(passed.clone()),
    }
    sql("UPDATE steps SET wait = $3, skipped_targets = $4 WHERE execution_id = $1 AND step_id = $2")
        .bind(execution.id.to_string())
        .bind(step_id)
        .bind(
            step.wait
                .as_ref()
                .map(|wait| snapshot::step_wait(wait).encode_to_vec()),
        )
        .bind(snapshot::skipped_targets_bytes(&step.skipped_targets))
        .later(tx);
    let event = step_changed(&step, &execution.client);
    append(tx, &mut execution, now, event)
}

/// The row of a provider, which is made when there is none, locked until the commit.
async fn locked_gate(tx: &mut Tx<'_>, provider: &str) -> Result<GateRecord> {
    sql("INSERT INTO provider_gates (provider, updated_us) VALUES ($1, 0) ON CONFLICT (provider) DO NOTHING")
        .bind(provider)
        .later(tx);
    let mut query = sql(GATES);
    query.push(" WHERE provider = ").push_bind(provider.to_owned());
    gate(&query.locked().fetch_one(tx).await?)
}

fn gate(row: &Row) -> Result<GateRecord> {
    let fields = Fields(row);
    Ok(GateRecord {
        provider: fields.text("provider")?,
        failures: fields.number("failures")?,
        trips: fields.number("trips")?,
        open_until: fields.optional_time("open_us")?,
        cooling_until: fields.optional_time("cooling_us")?,
        why: fields.text("why")?,
        updated_at: fields.time("updated_us")?,
        calling: 0,
        waiting: 0,
    })
}

/// Turns whose process gave no sign of life count no longer, and calls that ended are forgotten after their minute.
fn expire(tx: &mut Tx<'_>, provider: &str, now: UnixMicros) {
    sql(
        "DELETE FROM provider_turns WHERE provider = $1 AND (state = 'waiting' AND lease_us <= $2 \
         OR (state = 'ended' OR lease_us <= $2) AND begun_us <= $3)",
    )
    .bind(provider)
    .bind(now.0)
    .bind(
        now.0
            .saturating_sub(i64::try_from(MINUTE.as_micros()).unwrap_or(i64::MAX)),
    )
    .later(tx);
    sql(
        "UPDATE provider_turns SET state = 'ended' WHERE provider = $1 AND state IN ('calling', 'probing') \
         AND lease_us <= $2",
    )
    .bind(provider)
    .bind(now.0)
    .later(tx);
}

/// Everything that counts at a provider, in order of asking.
pub(super) fn places_of(provider: &str) -> Statement {
    sql(
        "SELECT id, boot_id, state, asked_us, begun_us FROM provider_turns WHERE provider = $1 \
         ORDER BY asked_us, id",
    )
    .bind(provider)
}

async fn places(tx: &mut Tx<'_>, provider: &str) -> Result<Vec<Place>> {
    let rows = places_of(provider).fetch_all(tx).await?;
    let places = rows.iter().map(|row| {
        let fields = Fields(row);
        let state = fields.text("state")?;
        Ok(Place {
            id: fields.text("id")?,
            boot: fields.id("boot_id", BootId)?,
            is_waiting: state == "waiting",
            is_calling: state == "calling" || state == "probing",
            is_probing: state == "probing",
            asked: fields.time("asked_us")?,
            begun: fields.optional_time("begun_us")?,
        })
    });
    places.collect()
}

fn delete(tx: &mut Tx<'_>, id: &str) {
    sql("DELETE FROM provider_turns WHERE id = $1").bind(id).later(tx);
}

fn delete_waiting(tx: &mut Tx<'_>, turn: TurnId) {
    sql("DELETE FROM provider_turns WHERE id = $1 AND state = 'waiting'")
        .bind(turn.to_string())
        .later(tx);
}
