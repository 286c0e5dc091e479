//! What is said about a script: for people, as JSON, as SARIF 2.1.0, as
//! annotations of GitHub.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::analysis::{Analysis, File};
use super::lineage::Site;
use super::plan::Plan;
use super::rules::{RULES, Rule, Severity};

/// How many lines of a fragment are shown.
const MOST_LINES: u64 = 4;
/// How many characters of a line are shown, and how many of them before the place.
const WIDTH: usize = 140;
const BEFORE: usize = 40;
/// How many features of a finding are named.
const MOST_FEATURES: usize = 6;

/// Something that was found.
#[derive(Debug, Clone)]
pub struct Finding {
    /// The rule.
    pub rule: Rule,
    /// Where.
    pub site: Site,
    /// More about it.
    pub detail: String,
    /// The features that it reaches.
    pub features: Vec<String>,
    /// From the source to the first of them.
    pub path: Vec<String>,
    /// The functions that take them.
    pub models: Vec<String>,
    /// Why it is waived, if it is.
    pub waived: Option<String>,
}

/// What was found in scripts.
#[derive(Debug)]
pub struct Report {
    /// By file and place.
    pub findings: Vec<Finding>,
    /// Calls that train, choose or validate.
    pub fits: usize,
    /// Tables from outside the scripts, whose columns are taken to be known at
    /// the time of their row.
    pub outside: Vec<String>,
    /// Of those, the ones that are joined without a time, and taken not to change.
    pub timeless: Vec<String>,
    /// What a replay recomputes.
    pub plan: Plan,
    files: Vec<(String, Vec<String>)>,
}

impl Report {
    pub(super) fn new(analysis: Analysis<'_>) -> Self {
        let plan = analysis.plan();
        let Analysis {
            mut findings,
            mut files,
            fits,
            outside,
            timeless,
            ..
        } = analysis;
        waive(&mut findings, &mut files);
        findings.sort_by_key(|finding| (finding.site, finding.rule));
        Self {
            findings,
            fits: fits.len(),
            outside: outside.into_iter().collect(),
            timeless: timeless.into_iter().collect(),
            plan,
            files: files
                .into_iter()
                .map(|file| (file.name, file.text.lines().map(str::to_owned).collect()))
                .collect(),
        }
    }

    /// Findings of a severity that nobody has waived.
    pub fn count(&self, severity: Severity) -> usize {
        self.open()
            .filter(|finding| finding.rule.definition().severity == severity)
            .count()
    }

    /// Findings that nobody has waived.
    pub fn open(&self) -> impl Iterator<Item = &Finding> {
        self.findings
            .iter()
            .filter(|finding| finding.waived.is_none())
    }

    /// Whether the check fails.
    pub fn fails(&self) -> bool {
        self.count(Severity::Error) + self.count(Severity::Warning) > 0
    }

    /// One line: the verdict.
    pub fn verdict(&self) -> String {
        let (errors, warnings, unknown) = (
            self.count(Severity::Error),
            self.count(Severity::Warning),
            self.count(Severity::Unknown),
        );
        let waived = self.findings.len() - self.open().count();
        let mut text = if self.fits == 0 && errors + warnings == 0 {
            "no call trains or chooses: nothing to check".to_owned()
        } else if errors + warnings == 0 {
            format!(
                "no feature of {} looks ahead",
                counted(
                    self.fits,
                    "call that trains or chooses",
                    "calls that train or choose"
                )
            )
        } else {
            let mut parts = Vec::new();
            if errors > 0 {
                parts.push(counted(errors, "error", "errors"));
            }
            if warnings > 0 {
                parts.push(counted(warnings, "warning", "warnings"));
            }
            parts.join(", ")
        };
        if unknown > 0 {
            let _ = write!(
                text,
                "; not proven: {} not understood",
                counted(unknown, "construct is", "constructs are")
            );
        }
        if waived > 0 {
            let _ = write!(text, "; {waived} waived");
        }
        text
    }

    /// For people.
    pub fn text(&self, colour: bool) -> String {
        let paint = Paint(colour);
        let mut text = String::new();
        for finding in self.open() {
            self.finding_text(finding, &paint, &mut text);
            text.push('\n');
        }
        let waived: Vec<&Finding> = self
            .findings
            .iter()
            .filter(|finding| finding.waived.is_some())
            .collect();
        if !waived.is_empty() {
            text.push_str("waived:\n");
            for finding in waived {
                let _ = writeln!(
                    text,
                    "  {} {}: {}",
                    self.place(&finding.site),
                    finding.rule.code(),
                    finding.waived.as_deref().unwrap_or_default()
                );
            }
            text.push('\n');
        }
        if !self.outside.is_empty() {
            let _ = writeln!(
                text,
                "taken as known at the time of their rows, being made elsewhere: {}",
                self.outside.join(", ")
            );
        }
        if !self.timeless.is_empty() {
            let _ = writeln!(
                text,
                "joined without a time, and taken not to change: {}",
                self.timeless.join(", ")
            );
        }
        text.push_str(&self.verdict());
        text.push('\n');
        text
    }

    fn finding_text(&self, finding: &Finding, paint: &Paint, text: &mut String) {
        let definition = finding.rule.definition();
        let code = match definition.severity {
            Severity::Error => "1;31",
            Severity::Warning => "1;33",
            Severity::Unknown => "1;36",
        };
        let label = format!("{}[{}]", definition.severity.name(), definition.code);
        let _ = writeln!(
            text,
            "{}{}",
            paint.with(code, &label),
            paint.with("1", &format!(": {}", definition.title))
        );
        let site = &finding.site;
        let margin = site.end_line.max(site.line).to_string().len();
        let bar = paint.with("34", "|");
        let _ = writeln!(
            text,
            "{:margin$}{} {}",
            "",
            paint.with("34", "-->"),
            self.place(site)
        );
        let lines = self.files.get(site.file).map(|(_, lines)| lines);
        let _ = writeln!(text, "{:margin$} {bar}", "");
        for (number, line, from, to) in fragment(lines, site) {
            // Of a long line, what stands around the place.
            let skipped = if to > WIDTH {
                from.saturating_sub(BEFORE)
            } else {
                0
            };
            let to = to.min(skipped + WIDTH);
            let shown: String = line.chars().skip(skipped).take(WIDTH).collect();
            let _ = writeln!(
                text,
                "{} {bar} {shown}",
                paint.with("34", &format!("{number:>margin$}"))
            );
            let carets = "^".repeat(to.saturating_sub(from).max(1));
            let _ = writeln!(
                text,
                "{:margin$} {bar} {}{}",
                "",
                " ".repeat(from - skipped),
                paint.with(code, &carets)
            );
        }
        let note = |text: &mut String, label: &str, content: &str| {
            let _ = writeln!(
                text,
                "{:margin$} {} {}: {content}",
                "",
                paint.with("34", "="),
                paint.with("1", label)
            );
        };
        if !finding.detail.is_empty() {
            note(text, "here", &finding.detail);
        }
        if !finding.features.is_empty() {
            let shown: Vec<&str> = finding
                .features
                .iter()
                .take(MOST_FEATURES)
                .map(String::as_str)
                .collect();
            let more = finding.features.len() - shown.len();
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let content = format!(
                "{}{more}, of {}",
                shown.join(", "),
                finding.models.join(", ")
            );
            note(text, "features", &content);
        }
        if finding.path.len() > 1 {
            note(text, "path", &finding.path.join(" -> "));
        }
        note(text, "why", definition.why);
        note(text, "fix", definition.fix);
    }

    fn place(&self, site: &Site) -> String {
        format!("{}:{}:{}", self.file(site), site.line, site.column)
    }

    fn file(&self, site: &Site) -> &str {
        self.files
            .get(site.file)
            .map_or("", |(name, _)| name.as_str())
    }

    /// `file:line:column: CODE: message` of one finding.
    pub fn line(&self, finding: &Finding) -> String {
        format!(
            "{}: {}: {}",
            self.place(&finding.site),
            finding.rule.code(),
            self.message(finding)
        )
    }

    fn message(&self, finding: &Finding) -> String {
        let mut message = finding.rule.definition().title.to_owned();
        if !finding.detail.is_empty() {
            let _ = write!(message, " ({})", finding.detail);
        }
        if let Some(feature) = finding.features.first() {
            let more = finding.features.len() - 1;
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            let _ = write!(
                message,
                ": feature {feature}{more} of {}",
                finding.models.join(", ")
            );
        }
        message
    }

    /// One JSON document.
    pub fn json(&self) -> Json {
        let findings: Vec<Json> = self
            .findings
            .iter()
            .map(|finding| {
                let definition = finding.rule.definition();
                let lines = self.files.get(finding.site.file).map(|(_, lines)| lines);
                let fragment: Vec<String> = fragment(lines, &finding.site)
                    .into_iter()
                    .map(|(_, line, from, to)| {
                        line.chars()
                            .skip(from)
                            .take(to.saturating_sub(from))
                            .collect()
                    })
                    .collect();
                json!({
                    "rule": definition.code,
                    "name": definition.name,
                    "severity": definition.severity.name(),
                    "message": self.message(finding),
                    "file": self.file(&finding.site),
                    "line": finding.site.line,
                    "column": finding.site.column,
                    "end_line": finding.site.end_line,
                    "end_column": finding.site.end_column,
                    "fragment": fragment.join("\n"),
                    "features": finding.features,
                    "models": finding.models,
                    "path": finding.path,
                    "fix": definition.fix,
                    "waived": finding.waived,
                })
            })
            .collect();
        json!({
            "verdict": self.verdict(),
            "errors": self.count(Severity::Error),
            "warnings": self.count(Severity::Warning),
            "unknown": self.count(Severity::Unknown),
            "checked": self.fits,
            "outside": self.outside,
            "timeless": self.timeless,
            "findings": findings,
        })
    }

    /// SARIF 2.1.0 (OASIS standard of 2020).
    pub fn sarif(&self) -> Json {
        let level = |severity| match severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Unknown => "note",
        };
        let rules: Vec<Json> = RULES
            .iter()
            .map(|d| {
                json!({
                    "id": d.code,
                    "name": d.name,
                    "shortDescription": { "text": d.title },
                    "fullDescription": { "text": d.why },
                    "help": { "text": format!("{}. Right: {}", d.fix, d.good) },
                    "defaultConfiguration": { "level": level(d.severity) },
                })
            })
            .collect();
        let results: Vec<Json> = self
            .findings
            .iter()
            .map(|finding| {
                let definition = finding.rule.definition();
                let site = &finding.site;
                let mut result = json!({
                    "ruleId": definition.code,
                    "ruleIndex": finding.rule as usize,
                    "level": level(definition.severity),
                    "message": { "text": self.message(finding) },
                    "locations": [{
                        "physicalLocation": {
                            "artifactLocation": { "uri": uri(self.file(site)) },
                            "region": {
                                "startLine": site.line.max(1),
                                "startColumn": site.column.max(1),
                                "endLine": site.end_line.max(site.line).max(1),
                                "endColumn": site.end_column.max(1),
                            },
                        },
                    }],
                });
                if let Some(reason) = &finding.waived {
                    result["suppressions"] =
                        json!([{ "kind": "inSource", "justification": reason }]);
                }
                result
            })
            .collect();
        json!({
            "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
            "version": "2.1.0",
            "runs": [{
                "tool": {
                    "driver": {
                        "name": "lagrange check",
                        "version": env!("CARGO_PKG_VERSION"),
                        "rules": rules,
                    },
                },
                "columnKind": "unicodeCodePoints",
                "results": results,
            }],
        })
    }

    /// Workflow commands of GitHub, a line per finding.
    pub fn github(&self) -> String {
        let escape = |text: &str| {
            text.replace('%', "%25")
                .replace('\r', "%0D")
                .replace('\n', "%0A")
        };
        let property = |text: &str| escape(text).replace(':', "%3A").replace(',', "%2C");
        let mut text = String::new();
        for finding in self.open() {
            let definition = finding.rule.definition();
            let level = match definition.severity {
                Severity::Error => "error",
                Severity::Warning => "warning",
                Severity::Unknown => "notice",
            };
            let _ = writeln!(
                text,
                "::{level} file={},line={},col={},endLine={},endColumn={},title={}::{}",
                property(self.file(&finding.site)),
                finding.site.line,
                finding.site.column,
                finding.site.end_line,
                finding.site.end_column,
                property(&format!("{} {}", definition.code, definition.name)),
                escape(&format!(
                    "{}; fix: {}",
                    self.message(finding),
                    definition.fix
                )),
            );
        }
        text
    }
}

/// Lines of a place: number, text, and from where to where it is underlined.
fn fragment(lines: Option<&Vec<String>>, site: &Site) -> Vec<(u64, String, usize, usize)> {
    let Some(lines) = lines else {
        return Vec::new();
    };
    let last = site.end_line.max(site.line);
    (site.line..=last)
        .take(MOST_LINES as usize)
        .filter_map(|number| {
            let line = lines.get((number.max(1) - 1) as usize)?;
            let line: String = line
                .chars()
                .map(|c| if c == '\t' { ' ' } else { c })
                .collect();
            let length = line.trim_end().chars().count();
            let indent = line.chars().take_while(|c| *c == ' ').count();
            let from = if number == site.line {
                (site.column.max(1) - 1) as usize
            } else {
                indent
            };
            let to = if number == last {
                (site.end_column.max(1) - 1) as usize
            } else {
                length
            };
            Some((
                number,
                line.trim_end().to_owned(),
                from.min(length),
                to.min(length),
            ))
        })
        .collect()
}

/// Waives what comments waive, and says which waivers are wrong or of no use.
fn waive(findings: &mut Vec<Finding>, files: &mut [File]) {
    for finding in findings.iter_mut() {
        let Some(file) = files.get_mut(finding.site.file) else {
            continue;
        };
        for waiver in &mut file.comments.waivers {
            if waiver.covers(finding.rule, &finding.site) {
                waiver.used = true;
                finding.waived = Some(waiver.reason.clone());
            }
        }
    }
    for (i, file) in files.iter().enumerate() {
        for waiver in &file.comments.waivers {
            let (rule, detail) = match waiver.rule {
                None => (
                    Rule::BadWaiver,
                    format!("'{}' is not the code of a rule", waiver.name),
                ),
                Some(rule) if waiver.reason.is_empty() => (
                    Rule::BadWaiver,
                    format!("no reason to waive {}", rule.code()),
                ),
                Some(rule) if !waiver.used => (
                    Rule::UnusedWaiver,
                    format!("{} is not found here", rule.code()),
                ),
                Some(_) => continue,
            };
            findings.push(Finding {
                rule,
                site: Site {
                    file: i,
                    line: waiver.line,
                    column: waiver.column,
                    end_line: waiver.line,
                    end_column: waiver.column + 2,
                },
                detail,
                features: Vec::new(),
                path: Vec::new(),
                models: Vec::new(),
                waived: None,
            });
        }
    }
}

/// A path as a reference by URI: RFC 3986 leaves these characters as they are.
fn uri(path: &str) -> String {
    let mut uri = String::new();
    for byte in path.replace('\\', "/").bytes() {
        if byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte) {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

struct Paint(bool);

impl Paint {
    fn with(&self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}

fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}
