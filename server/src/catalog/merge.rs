//! Layers of a catalog: how one goes onto another, and which one a problem comes from.

use limn_planner::CatalogProblem;
use toml::{Table, Value};

/// Merges a layer key by key. A table that gives another `kind` replaces the old one: the keys of one kind
/// mean nothing to another.
pub(super) fn into(base: &mut Table, layer: &Table) {
    for (key, value) in layer {
        match (base.get_mut(key), value) {
            (Some(Value::Table(below)), Value::Table(above)) if !changes_kind(below, above) => {
                into(below, above);
            }
            _ => {
                base.insert(key.clone(), value.clone());
            }
        }
    }
}

fn changes_kind(below: &Table, above: &Table) -> bool {
    above
        .get("kind")
        .is_some_and(|kind| below.get("kind") != Some(kind))
}

/// Adds the last source that says anything about the place of the problem.
pub(super) fn with_source(problem: CatalogProblem, sources: &[(String, Table)]) -> CatalogProblem {
    let mut best: Option<(usize, &str)> = None;
    for (name, table) in sources {
        let depth = known_depth(table, &problem.path);
        if depth > 0 && best.is_none_or(|(deepest, _)| depth >= deepest) {
            best = Some((depth, name));
        }
    }
    let Some((_, source)) = best else { return problem };
    CatalogProblem {
        message: format!("{} ({source})", problem.message),
        ..problem
    }
}

/// How many bytes of a path the table knows. Keys may contain dots, as model ids do.
fn known_depth(table: &Table, path: &str) -> usize {
    let depth = |(key, value): (&String, &Value)| {
        let rest = path.strip_prefix(key.as_str())?;
        let Some(rest) = rest.strip_prefix('.') else {
            return (rest.is_empty() || rest.starts_with('[')).then_some(key.len());
        };
        let below = value.as_table().map_or(0, |table| known_depth(table, rest));
        Some(key.len() + 1 + below)
    };
    table.iter().filter_map(depth).max().unwrap_or(0)
}
