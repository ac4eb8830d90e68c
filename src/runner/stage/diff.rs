//! The diff check: before the first step, which rows need no loading; with the last one, what the next run may compare with.
//!
//! The rules are [`crate::load::diff`]'s; here is when they are asked.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

use super::{evaluate::pass, extracted::Extracted, load::FlowPlan, scope::Scope};
use crate::{
    engine::Engine,
    error::{Error, Result},
    execution::StageKind,
    id::VariableId,
    load::diff::{Hashes, Next, ScopeVerdict, Shape, Verdict},
    runner::job::{Job, Left, Stop},
    store::baseline::{self, Baseline},
    variable::Locale,
};

/// Changes when rows are hashed in another way.
const VERSION: u32 = 1;

/// What the diff check knows of a run.
pub(in crate::runner) struct DiffCheck {
    hashes: Hashes,
    baselines: Vec<Baseline>,
    verdict: Option<Verdict>,
    fingerprint: Vec<u8>,
}

/// Compares the run's rows with those of the last one, where it has one that can be compared with.
pub(in crate::runner) fn check(
    job: &Job<'_>,
    engine: &Engine,
    scopes: &[Scope<'_>],
    plan: &mut FlowPlan,
    left: &mut Left,
) -> Result<(), Stop> {
    if !job.snapshot.diff_check_enabled || plan.steps.is_empty() {
        return Ok(());
    }
    let fingerprint = fingerprint(job, left.locale(job))?;
    let baselines = usable(job, &fingerprint)?;
    if job.execution.is_dry_run && baselines.is_empty() {
        // It leaves no baseline either.
        return Ok(());
    }
    let variables: Vec<Vec<VariableId>> =
        scopes.iter().map(|scope| scope.variables.iter().map(|c| c.variable.id).collect()).collect();
    let shapes: Vec<Shape<'_>> = scopes
        .iter()
        .zip(&variables)
        .map(|(scope, variables)| Shape { scope: &scope.table.scope, rows: scope.table.rows, variables })
        .collect();
    let hashes = Hashes::new(job.scratch, &plan.steps, &shapes, job.token.clone());
    let mut check = DiffCheck { hashes, baselines, verdict: None, fingerprint };
    if !check.baselines.is_empty() {
        check.compare(job, engine, scopes, plan)?;
        let verdict = check.verdict.as_ref();
        left.missing_since_last_run = verdict.map(|verdict| verdict.missing);
        let scopes = verdict.map(|verdict| &verdict.scopes[..]).unwrap_or_default();
        plan.unchanged = scopes.iter().map(|scope| (scope.scope.clone(), scope.count)).collect();
    }
    plan.diff = Some(check);
    Ok(())
}

/// The baselines that this run may compare with. The log says why there are none.
fn usable(job: &Job<'_>, fingerprint: &[u8]) -> Result<Vec<Baseline>> {
    let say = |why: &str| {
        let sentence = format!("Diff check not used: {why}. Every row is loaded.");
        job.progress.log("info", Some(StageKind::VariableEval), sentence);
        Ok(Vec::new())
    };
    if job.execution.disable_diff_check {
        return say("it is switched off for this run");
    }
    let connector = job.execution.connector_id;
    let valid = job.store.records.read(|conn| baseline::valid(conn, connector))?;
    if valid.is_empty() {
        return say("there is no completed run to compare with, or a later one stopped after it had written");
    }
    if valid.iter().any(|baseline| baseline.fingerprint != fingerprint) {
        return say("variables, flow or seeds changed since the last run");
    }
    Ok(valid)
}

/// What gives a row its meaning, besides its values.
fn fingerprint(job: &Job<'_>, locale: Locale) -> Result<Vec<u8>> {
    let snapshot = job.snapshot;
    let region = locale.phone_region.map(|region| format!("{region:?}"));
    let of = (
        VERSION,
        &snapshot.variables,
        &snapshot.loads,
        &snapshot.seeds,
        locale.timezone.name(),
        region,
        locale.excel_1904,
    );
    let text = serde_json::to_vec(&of).map_err(|e| Error::internal(format!("fingerprint: {e}")))?;
    Ok(Sha256::digest(&text).to_vec())
}

impl DiffCheck {
    /// All scopes that steps load are read and hashed, then compared. What the report shows of their
    /// variables is set aside on the way.
    fn compare(
        &mut self,
        job: &Job<'_>,
        engine: &Engine,
        scopes: &[Scope<'_>],
        plan: &mut FlowPlan,
    ) -> Result<(), Stop> {
        for (position, scope) in scopes.iter().enumerate() {
            let name = scope.table.scope.as_str();
            if !self.hashes.wants(name) {
                continue;
            }
            let extracted = Extracted::create(job, position)?;
            let reader = engine.output_reader()?;
            let kept = pass(job, &reader, scope, Some(extracted), None, |row, values, _| {
                job.token.check()?;
                Ok(self.hashes.add(name, row.number(), values)?)
            })?;
            plan.set_aside.extend(kept.map(|kept| (position, kept)));
            self.hashes.complete(name);
        }
        let verdict = self.hashes.compare(job.store, &self.baselines);
        // A comparison that was cancelled has failed for no other reason.
        job.token.check()?;
        let verdict = verdict?;
        for scope in &verdict.scopes {
            job.progress.log("info", Some(StageKind::VariableEval), sentence(scope));
        }
        if verdict.missing > 0 {
            let sentence =
                format!("Diff check: {} of the last run's match values are missing.", verdict.missing);
            job.progress.log("info", Some(StageKind::VariableEval), sentence);
        }
        self.verdict = Some(verdict);
        Ok(())
    }

    /// The verdict on a scope, when it was compared; else what takes the hashes of its rows while they pass,
    /// until they have.
    pub fn of_scope(&mut self, scope: &str) -> (Option<&ScopeVerdict>, Option<&mut Hashes>) {
        let verdict = self.verdict.as_ref().and_then(|verdict| verdict.of(scope));
        (verdict, self.hashes.wants(scope).then_some(&mut self.hashes))
    }

    /// What the run leaves for the next one.
    pub fn next(self) -> Next {
        // Equal rows give an equal baseline.
        let is_equal = self.verdict.as_ref().is_some_and(|verdict| {
            verdict.scopes.len() == self.baselines.len()
                && verdict.scopes.iter().all(|s| s.count == s.rows && s.compared_with == Some(s.rows))
        });
        Next {
            hashes: self.hashes,
            fingerprint: self.fingerprint,
            stay: if is_equal { self.baselines } else { Vec::new() },
            is_compared: self.verdict.is_some(),
        }
    }
}

fn sentence(scope: &ScopeVerdict) -> String {
    let ScopeVerdict { scope: name, rows, count, .. } = scope;
    let mut sentence = format!("Diff check of {name}: ");
    // Writing into a string can't fail.
    let _ = match (scope.compared_with, &scope.unfit) {
        (_, Some(why)) => write!(sentence, "not used, since {why}. Every row is loaded."),
        (Some(last), None) => {
            write!(sentence, "{rows} rows compared with {last} that the last run loaded, {count} unchanged.")
        }
        (None, None) => write!(sentence, "the last run had no such table. Every row is loaded."),
    };
    sentence
}
