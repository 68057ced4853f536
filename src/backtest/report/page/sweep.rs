//! What the page says of a sweep.

use super::{Row, Say, Swept};
use crate::backtest::report::{AxisReport, Best, SweepReport, spoken_of};
use crate::backtest::score::Score;
use crate::backtest::svg::curves::{Dot, Plane, scatter};
use crate::backtest::svg::escape;
use crate::backtest::svg::storm::Words;
use crate::units::Fixed;

/// Sets in the page's table; the JSON has all.
const SETS_SHOWN: usize = 200;

pub(super) fn swept(say: Say, sweep: &SweepReport, in_use: &[Score]) -> Swept {
    let mut facts =
        vec![(say.t("bt-sets"), sweep.sets.len().to_string()), (say.t("bt-axes"), sweep.axes.len().to_string())];
    if let Some(seed) = sweep.seed {
        facts.push((say.t("bt-seed"), seed.to_string()));
    }
    let mut told = Swept {
        facts,
        axes: sweep.axes.iter().map(|axis| axis_row(say, axis)).collect(),
        plots: Vec::new(),
        best: Vec::new(),
        sets: Vec::new(),
        left_out: (sweep.sets.len() > SETS_SHOWN)
            .then(|| say.0.t2("bt-sets-left-out", "shown", SETS_SHOWN, "all", sweep.sets.len())),
    };
    for (place, (hazard, level)) in spoken_of(&sweep.axes).into_iter().enumerate() {
        let name = format!("{} · {}", hazard.name(), say.level(level));
        let of = |scores: &[Score]| scores.iter().find(|s| s.hazard == hazard && s.level == level).cloned();
        let scores: Vec<Option<Score>> = sweep.sets.iter().map(|set| of(&set.scores)).collect();
        let used = of(in_use);
        told.plots.push(roc(say, place, &name, &scores, used.as_ref()));
        told.plots.push(leads(say, place, &name, &scores, used.as_ref()));
        let head = set_head(say, &sweep.axes);
        let chosen = sweep.best.iter().filter(|best| best.hazard == hazard && best.level == level);
        let rows = chosen.map(|best| best_row(say, sweep, best, &scores));
        let mut best_head = vec![say.t("bt-floor")];
        best_head.extend(head.clone());
        told.best.push((name.clone(), best_head, rows.collect()));
        let all = sweep.sets.iter().zip(&scores).take(SETS_SHOWN);
        let rows = all.filter_map(|(set, score)| Some(set_row(say, &set.values, score.as_ref()?))).collect();
        told.sets.push((name, head, rows));
    }
    told
}

fn axis_row(say: Say, axis: &AxisReport) -> Row {
    let unit = |value: Fixed| format!("{} {}", say.number(value.to_f64()), axis.unit);
    vec![
        axis.rule.clone(),
        axis.address.clone(),
        say.level(axis.level),
        unit(axis.from),
        unit(axis.to),
        unit(axis.in_use),
    ]
}

fn set_head(say: Say, axes: &[AxisReport]) -> Row {
    let mut head: Row = axes.iter().map(|axis| format!("{} ({})", axis.address, axis.unit)).collect();
    head.extend(["POD", "FAR", "POFD", "CSI"].map(str::to_owned));
    head.extend([say.t("bt-lead-median"), say.t("bt-under-alert")]);
    head
}

fn set_row(say: Say, values: &[Fixed], score: &Score) -> Row {
    let mut row: Row = values.iter().map(|value| say.number(value.to_f64())).collect();
    row.extend([score.pod, score.far, score.pofd, score.csi].map(|share| say.share(share)));
    row.extend([say.span(score.lead_median_s), say.share(score.share_under_alert)]);
    row
}

fn best_row(say: Say, sweep: &SweepReport, best: &Best, scores: &[Option<Score>]) -> Row {
    let mut row = vec![format!("≥ {}", say.share(Some(best.pod_floor)))];
    let found = best.set.and_then(|set| Some((sweep.sets.get(set)?, scores.get(set)?.as_ref()?)));
    match found {
        Some((set, score)) => row.extend(set_row(say, &set.values, score)),
        None => row.push(say.t("bt-none")),
    }
    row
}

fn roc(say: Say, place: usize, name: &str, scores: &[Option<Score>], used: Option<&Score>) -> String {
    let dot = |score: &Score, in_use| Some(Dot { x: score.pofd?, y: score.pod?, in_use });
    let mut dots: Vec<Dot> = scores.iter().flatten().filter_map(|score| dot(score, false)).collect();
    dots.extend(used.and_then(|score| dot(score, true)));
    let words = Words {
        id: format!("roc{place}"),
        title: say.0.t1("bt-roc-title", "name", name),
        description: say.0.t1("bt-roc-what", "n", dots.len()),
    };
    let plane = Plane {
        x: say.t("bt-pofd"),
        y: say.t("bt-pod"),
        x_to: 1.0,
        y_to: 1.0,
        diagonal: true,
        comma: say.comma(),
        in_use: say.t("bt-in-use"),
    };
    figure(&words.title, &scatter(&words, &plane, &dots))
}

fn leads(say: Say, place: usize, name: &str, scores: &[Option<Score>], used: Option<&Score>) -> String {
    let dot = |score: &Score, in_use| Some(Dot { x: score.pofd?, y: score.lead_median_s? as f64 / 3600.0, in_use });
    let mut dots: Vec<Dot> = scores.iter().flatten().filter_map(|score| dot(score, false)).collect();
    dots.extend(used.and_then(|score| dot(score, true)));
    let words = Words {
        id: format!("lead{place}"),
        title: say.0.t1("bt-leads-title", "name", name),
        description: say.0.t1("bt-leads-what", "n", dots.len()),
    };
    let longest = dots.iter().map(|dot| dot.y).fold(1.0, f64::max);
    let widest = dots.iter().map(|dot| dot.x).fold(0.01, f64::max);
    let plane = Plane {
        x: say.t("bt-pofd"),
        y: say.t("bt-lead-hours"),
        x_to: widest,
        y_to: longest,
        diagonal: false,
        comma: say.comma(),
        in_use: say.t("bt-in-use"),
    };
    figure(&words.title, &scatter(&words, &plane, &dots))
}

fn figure(caption: &str, svg: &str) -> String {
    format!("<figure><figcaption>{}</figcaption>{svg}</figure>", escape(caption))
}
