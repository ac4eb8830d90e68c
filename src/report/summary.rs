//! What a run did, in words and counters: the sheet `Summary Stats`, and a table for a terminal.
//!
//! The workbook is one file for everybody who may read the run. Who started it is not in it: a key that is limited
//! to connectors sees no people, and the run's row says it to those who do.

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use chrono_tz::Tz;
use comfy_table::{CellAlignment, Table, presets};

use crate::{
    execution::{Counters, Execution, Stage, StageKind, StageStatus, State, Step, TriggerType},
    object::Object,
};

/// What the summary is made of.
pub struct Summary<'a> {
    /// The connector's label.
    pub connector: &'a str,
    /// The run, as it ends: its final state, stages and totals.
    pub execution: &'a Execution,
    /// The input file's name.
    pub file_name: Option<&'a str>,
    /// The objects that the load steps write to.
    pub objects: &'a [Object],
    /// The workspace's zone, in which times are shown.
    pub time_zone: Tz,
}

/// One line of the sheet.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    Blank,
    Heading(Vec<&'static str>),
    Cells(Vec<Value>),
}

/// One cell of a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    Text(String),
    Count(u64),
}

/// Counters in the order in which they add up; warnings are counted beside.
const COUNTERS: [&str; 8] =
    ["Rows", "Created", "Updated", "Unchanged", "Skipped", "Errors", NOT_PROCESSED, "Warnings"];
const NOT_PROCESSED: &str = "Not processed";

const fn counts(of: &Counters) -> [u64; 8] {
    [of.rows, of.created, of.updated, of.unchanged, of.skipped, of.errors, of.not_processed, of.warnings]
}

impl Summary<'_> {
    /// The lines of the sheet.
    pub(super) fn lines(&self) -> Vec<Line> {
        let mut lines = self.facts();
        lines.push(Line::Blank);
        lines.push(Line::Heading(vec!["Stage", "Scope", "Status", "Rows", "Invalid", "Started", "Duration"]));
        lines.extend(self.execution.stages.iter().flat_map(|stage| self.stage_lines(stage)));
        lines.push(Line::Blank);
        lines.push(Line::Heading(["Load step", "Object (scope)"].into_iter().chain(COUNTERS).collect()));
        for (number, step, counters) in load_steps(&self.execution.stages) {
            let head = [number.to_string(), step_label(step, self.objects)];
            lines.push(counter_line(head, counters));
        }
        lines.push(counter_line(["Total".to_owned(), String::new()], &self.execution.totals));
        lines
    }

    fn facts(&self) -> Vec<Line> {
        let run = self.execution;
        let duration = run.started_at.zip(run.ended_at).map(|(start, end)| duration_words(end - start));
        let time = |time: Option<DateTime<Utc>>| time.map(|time| self.local(time));
        let yes_no = |yes: bool| Some(if yes { "Yes" } else { "No" }.to_owned());
        let facts = [
            ("Connector", Some(self.connector.to_owned())),
            ("Execution", Some(run.id.to_string())),
            ("Number", Some(run.number.to_string())),
            ("Status", Some(state_words(run))),
            ("Error", run.error_details.clone()),
            ("Warning", run.warning.clone()),
            ("Rows without messages", (run.outcomes_cut > 0).then(|| not_kept(run.outcomes_cut))),
            ("Missing since the last run", run.missing_since_last_run.map(grouped)),
            ("Dry run", yes_no(run.is_dry_run)),
            ("Script", run.use_draft.then(|| "Draft".to_owned())),
            ("Trigger", Some(trigger_words(run.trigger).to_owned())),
            ("Input file", self.file_name.map(str::to_owned)),
            ("Queued", Some(self.local(run.created))),
            ("Started", time(run.started_at)),
            ("Ended", time(run.ended_at)),
            ("Duration", duration),
        ];
        facts
            .into_iter()
            .filter_map(|(label, fact)| Some(Line::Cells(vec![text(label), Value::Text(fact?)])))
            .collect()
    }

    fn stage_lines(&self, stage: &Stage) -> Vec<Line> {
        let line = |scope: &str, status, rows: [Value; 2], started: Option<_>, ended: Option<_>| {
            let duration =
                started.zip(ended).map_or_else(String::new, |(start, end)| duration_words(end - start));
            let started = started.map_or_else(String::new, |time| self.local(time));
            let [rows, invalid] = rows;
            Line::Cells(vec![
                text(stage_words(stage.kind)),
                text(scope),
                text(stage_status_words(status)),
                rows,
                invalid,
                Value::Text(started),
                Value::Text(duration),
            ])
        };
        if stage.steps.is_empty() {
            return vec![line("", stage.status, [text(""), text("")], None, None)];
        }
        let of_step = |step: &Step| {
            let rows = [Value::Count(step.total), Value::Count(step.invalid_records)];
            line(step.scope.as_deref().unwrap_or(""), step.status, rows, step.started_at, step.ended_at)
        };
        stage.steps.iter().map(of_step).collect()
    }

    fn local(&self, time: DateTime<Utc>) -> String {
        time.with_timezone(&self.time_zone).to_rfc3339_opts(SecondsFormat::Millis, true)
    }
}

/// The load steps' counters as a table for a terminal, without colours; empty when no load step has begun.
/// The total has a line where there are several steps, rows not processed a column where there are any.
#[must_use]
pub fn counters_table(stages: &[Stage], totals: &Counters, objects: &[Object]) -> String {
    let steps: Vec<_> = load_steps(stages).collect();
    if steps.is_empty() {
        return String::new();
    }
    let is_shown = |name: &str| name != NOT_PROCESSED || totals.not_processed > 0;
    let cells = |head: [String; 2], counters: &Counters| {
        let counters = COUNTERS.into_iter().zip(counts(counters)).filter(|(name, _)| is_shown(name));
        head.into_iter().chain(counters.map(|(_, n)| grouped(n))).collect::<Vec<_>>()
    };
    let mut table = Table::new();
    table.load_style(presets::UTF8_FULL_CONDENSED);
    table.set_header(
        ["Step", "Object (scope)"].into_iter().chain(COUNTERS.into_iter().filter(|name| is_shown(name))),
    );
    for (number, step, counters) in &steps {
        table.add_row(cells([number.to_string(), step_label(step, objects)], counters));
    }
    if steps.len() > 1 {
        table.add_row(cells(["Total".to_owned(), String::new()], totals));
    }
    for column in table.column_iter_mut().skip(2) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table.to_string()
}

fn counter_line(head: [String; 2], counters: &Counters) -> Line {
    let counts = counts(counters).map(Value::Count);
    Line::Cells(head.map(Value::Text).into_iter().chain(counts).collect())
}

/// Every load step that began, numbered from 1 as in the flow.
fn load_steps(stages: &[Stage]) -> impl Iterator<Item = (usize, &Step, &Counters)> {
    let steps =
        stages.iter().filter(|stage| stage.kind == StageKind::LoadStep).flat_map(|stage| &stage.steps);
    (1..).zip(steps).filter_map(|(number, step)| Some((number, step, step.counters.as_ref()?)))
}

fn step_label(step: &Step, objects: &[Object]) -> String {
    let object = step.custom_object.and_then(|id| objects.iter().find(|object| object.id == id));
    let object = object.map_or("", |object| object.object_name.as_str());
    let scope = step.scope.as_deref().unwrap_or("");
    format!("{object} ({scope})")
}

fn not_kept(outcomes: u64) -> String {
    format!("{} rows were counted; their messages were not kept with the run", grouped(outcomes))
}

fn state_words(run: &Execution) -> String {
    let Counters { rows, errors, created, updated, .. } = run.totals;
    match run.state {
        State::Queued => "Queued".to_owned(),
        State::InProgress => "In progress".to_owned(),
        State::Cancelling => "Being cancelled".to_owned(),
        State::Success => "Success".to_owned(),
        State::PartialSuccess if errors == rows && created + updated == 0 => {
            "Partial success: every row was rejected, nothing was written".to_owned()
        }
        State::PartialSuccess => {
            format!("Partial success: {} of {} rows were rejected", grouped(errors), grouped(rows))
        }
        State::Failed => "Failed".to_owned(),
        State::Cancelled => "Cancelled".to_owned(),
    }
}

const fn trigger_words(trigger: TriggerType) -> &'static str {
    match trigger {
        TriggerType::Fileupload => "File upload",
        TriggerType::Api => "API",
        TriggerType::Webhook => "Webhook",
        TriggerType::Schedule => "Schedule",
        TriggerType::Rerun => "Rerun",
    }
}

const fn stage_words(kind: StageKind) -> &'static str {
    match kind {
        StageKind::InputRead => "Read the input",
        StageKind::SqlRun => "Run the script",
        StageKind::VariableEval => "Extract variables",
        StageKind::MatchIndex => "Make indexes",
        StageKind::LoadStep => "Load",
        StageKind::Report => "Report",
    }
}

const fn stage_status_words(status: StageStatus) -> &'static str {
    match status {
        StageStatus::Pending => "Pending",
        StageStatus::InProgress => "In progress",
        StageStatus::Completed => "Completed",
        StageStatus::Failed => "Failed",
        StageStatus::Cancelled => "Cancelled",
        StageStatus::Skipped => "Skipped",
    }
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// A duration for people: `0.042 s`, `2 min 05 s`, `1 h 02 min`.
#[must_use]
pub fn duration_words(duration: TimeDelta) -> String {
    let milliseconds = duration.num_milliseconds().max(0);
    let seconds = milliseconds / 1000;
    match seconds {
        0..60 => format!("{seconds}.{:03} s", milliseconds % 1000),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

/// Digits in groups of three: `1,000,000`.
fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::{a_run, summary};

    fn fact(lines: &[Line], label: &str) -> Option<String> {
        lines.iter().find_map(|line| match line {
            Line::Cells(cells) if cells[0] == text(label) => match &cells[1] {
                Value::Text(fact) => Some(fact.clone()),
                Value::Count(n) => Some(n.to_string()),
            },
            _ => None,
        })
    }

    #[test]
    fn the_summary_tells_what_the_run_did() {
        let (run, objects) = a_run();
        let lines = summary(&run, &objects).lines();
        for (label, expected) in [
            ("Connector", "=Orders"),
            ("Number", "12"),
            ("Status", "Partial success: 67 of 1,235,567 rows were rejected"),
            ("Dry run", "No"),
            ("Trigger", "API"),
            ("Input file", "orders.csv"),
            ("Started", "2026-03-01T11:00:01.250+01:00"),
            ("Duration", "1 min 09 s"),
        ] {
            assert_eq!(fact(&lines, label).as_deref(), Some(expected), "{label}");
        }
        assert_eq!(fact(&lines, "Execution"), Some(run.id.to_string()));
        assert_eq!(fact(&lines, "Error"), None);
        assert!(lines.contains(&Line::Cells(vec![
            text("Load"),
            text("customers"),
            text("Completed"),
            Value::Count(1_000),
            Value::Count(0),
            text("2026-03-01T11:00:02.250+01:00"),
            text("1 min 05 s"),
        ])));
        let counts = [1_235_567, 1_235_400, 60, 0, 40, 67, 0, 3].map(Value::Count);
        let total: Vec<_> = [text("Total"), text("")].into_iter().chain(counts).collect();
        assert_eq!(lines.last(), Some(&Line::Cells(total)));
    }

    #[test]
    fn a_failed_run_tells_why_and_one_that_wrote_nothing_says_so() {
        let (mut run, objects) = a_run();
        run.state = State::Failed;
        run.error_details = Some("line 3, column 8: no such column: emial".to_owned());
        run.ended_at = None;
        let lines = summary(&run, &objects).lines();
        assert_eq!(fact(&lines, "Status").as_deref(), Some("Failed"));
        assert_eq!(fact(&lines, "Error"), run.error_details);
        assert_eq!(fact(&lines, "Ended"), None);
        assert_eq!(fact(&lines, "Rows without messages"), None);
        run.outcomes_cut = 1_500;
        let words = "1,500 rows were counted; their messages were not kept with the run";
        assert_eq!(fact(&summary(&run, &objects).lines(), "Rows without messages").as_deref(), Some(words));

        run.state = State::PartialSuccess;
        run.totals = Counters { rows: 5, errors: 5, ..Counters::default() };
        let words = "Partial success: every row was rejected, nothing was written";
        assert_eq!(fact(&summary(&run, &objects).lines(), "Status").as_deref(), Some(words));
    }

    #[test]
    fn the_terminal_gets_a_table_that_adds_up() {
        let (run, objects) = a_run();
        insta::assert_snapshot!(counters_table(&run.stages, &run.totals, &objects), @"
        ┌───────┬───────────────────────┬───────────┬───────────┬─────────┬───────────┬─────────┬────────┬──────────┐
        │ Step  ┆ Object (scope)        ┆      Rows ┆   Created ┆ Updated ┆ Unchanged ┆ Skipped ┆ Errors ┆ Warnings │
        ╞═══════╪═══════════════════════╪═══════════╪═══════════╪═════════╪═══════════╪═════════╪════════╪══════════╡
        │ 1     ┆ Customers (customers) ┆     1,000 ┆       900 ┆      60 ┆         0 ┆      40 ┆      0 ┆        3 │
        │ 2     ┆ Orders (orders)       ┆ 1,234,567 ┆ 1,234,500 ┆       0 ┆         0 ┆       0 ┆     67 ┆        0 │
        │ Total ┆                       ┆ 1,235,567 ┆ 1,235,400 ┆      60 ┆         0 ┆      40 ┆     67 ┆        3 │
        └───────┴───────────────────────┴───────────┴───────────┴─────────┴───────────┴─────────┴────────┴──────────┘
        ");
        let totals = Counters { not_processed: 5, ..run.totals };
        assert!(counters_table(&run.stages, &totals, &objects).contains("Not processed"));
        assert_eq!(counters_table(&run.stages[..1], &run.totals, &objects), "");
    }

    #[test]
    fn durations_read_well() {
        for (milliseconds, words) in [
            (0, "0.000 s"),
            (42, "0.042 s"),
            (59_999, "59.999 s"),
            (125_000, "2 min 05 s"),
            (3_720_000, "1 h 02 min"),
        ] {
            assert_eq!(duration_words(TimeDelta::milliseconds(milliseconds)), words);
        }
        assert_eq!(duration_words(TimeDelta::milliseconds(-5)), "0.000 s", "a clock that went back");
    }
}
