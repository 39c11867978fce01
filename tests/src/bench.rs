//! What the benchmarks share: a figure with its bound, the table they end with, and how a figure is read from rounds.

#![allow(clippy::print_stdout)] // a benchmark reports to its user

use std::{fs, process::ExitCode};

/// A measurement and what it must stay within.
#[derive(Debug)]
pub struct Figure {
    /// What to what, in a few words.
    pub name: String,
    /// What came out.
    pub measured: f64,
    /// What would have been too much or too little.
    pub bound: Bound,
    /// `x` for a ratio.
    pub unit: &'static str,
    /// What it was made from.
    pub detail: String,
}

/// What a figure must stay within.
#[derive(Clone, Copy, Debug)]
pub enum Bound {
    /// No more than this.
    AtMost(f64),
    /// No less than this.
    AtLeast(f64),
    /// Nothing: it is there to explain another.
    None,
}

impl Figure {
    fn is_within(&self) -> bool {
        match self.bound {
            Bound::AtMost(bound) => self.measured <= bound,
            Bound::AtLeast(bound) => self.measured >= bound,
            Bound::None => true,
        }
    }
}

/// Prints all of them; a figure out of its bound is a failure.
pub fn report(figures: impl IntoIterator<Item = Figure>) -> ExitCode {
    println!("{:<62} {:>10} {:>12}", "figure", "measured", "bound");
    let mut good = true;
    for figure in figures {
        let Figure { name, measured, bound, unit, detail } = &figure;
        let bound = match bound {
            Bound::AtMost(bound) => format!("<= {bound:.2}"),
            Bound::AtLeast(bound) => format!(">= {bound:.2}"),
            Bound::None => "none".to_owned(),
        };
        let verdict = if figure.is_within() { "" } else { "  OUT OF BOUNDS" };
        println!("{name:<62} {measured:>10.2} {bound:>12} {unit}{verdict}");
        println!("    {detail}");
        good &= figure.is_within();
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// The time that a tenth of the rounds were faster than: what else runs on the machine only ever adds to a round, so the fast rounds
/// are those it left alone.
pub fn undisturbed(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 10]
}

/// The value in the middle.
pub fn median(rounds: &mut [f64]) -> f64 {
    rounds.sort_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Resident memory of this process in KiB, as Linux tells it.
///
/// # Panics
///
/// Where there is no `/proc`.
pub fn resident_kib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").expect("this figure needs Linux's /proc");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("/proc tells VmRSS");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).expect("VmRSS is a number")
}
